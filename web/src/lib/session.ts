import { type Problem, problemFromError, problemOf } from '@/lib/problem'
import type { components } from '@/api/schema'

export type User = components['schemas']['auth.v1.User']
type Tokens = Pick<components['schemas']['auth.v1.LoginResponse'], 'access_token' | 'expires_in' | 'user'>

export type SessionState =
  | { status: 'resuming' }
  | { status: 'anonymous' }
  | { status: 'unavailable'; problem: Problem }
  | { status: 'authenticated'; user: User }

/** What the session needs of the browser, so that a test can hand in its own. */
export interface SessionHost {
  fetch: typeof fetch
  storage: Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>
  locks?: Pick<LockManager, 'request'>
  channel?: Pick<BroadcastChannel, 'postMessage' | 'addEventListener'>
}

const REFRESH_AHEAD_SECONDS = 60
const ABANDONED_REFRESH_MS = 1_500
const HINT = 'shop-insight.session'
const LEASE = 'shop-insight.refreshing'
const LOCK = 'shop-insight.refresh'

/**
 * Who is logged in. The access token lives in memory alone; the refresh token is an HttpOnly cookie that
 * this code never sees. A refresh token holds for one use, so refreshing is single-flight: within this tab
 * by a shared promise, across tabs by a lock.
 */
export class Session {
  private state: SessionState = { status: 'resuming' }
  private accessToken: string | undefined
  private refreshing: Promise<boolean> | undefined
  private timer: ReturnType<typeof setTimeout> | undefined
  private readonly listeners = new Set<() => void>()

  constructor(private readonly host: SessionHost) {
    host.channel?.addEventListener('message', (event) => this.hear((event as MessageEvent).data))
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener)
    return () => this.listeners.delete(listener)
  }

  readonly snapshot = (): SessionState => this.state

  /** Takes up the session that the cookie stands for, if this browser has had one. */
  async resume(): Promise<void> {
    if (this.host.storage.getItem(HINT) === null) return this.become({ status: 'anonymous' })
    // A page in use stays as it is meanwhile: what is half typed there is not lost.
    if (this.state.status !== 'authenticated') this.become({ status: 'resuming' })
    try {
      await this.refresh()
    } catch (error) {
      this.become({ status: 'unavailable', problem: problemFromError(error) })
    }
  }

  /** Starts a session with the tokens that a log-in answered. */
  begin(tokens: Tokens): void {
    this.accept(tokens)
    this.host.channel?.postMessage('began')
  }

  /** Takes up what has changed of the person's account. */
  update(user: User): void {
    if (this.state.status === 'authenticated') this.become({ status: 'authenticated', user })
  }

  /** Ends the session here and in every other tab; the server is told, but is not waited for in vain. */
  async end(): Promise<void> {
    const response = this.authorizedFetch(this.request('/api/v1/auth/logout', {}))
    await response.catch(() => undefined)
    this.forget()
    this.host.channel?.postMessage('ended')
  }

  /** Fetches with the bearer token; a token refused once is refreshed and the call made again. */
  readonly authorizedFetch = async (request: Request): Promise<Response> => {
    const again = request.clone()
    const used = this.accessToken
    const response = await this.host.fetch(this.bearing(request))
    if (response.status !== 401 || used === undefined || !(await refusesToken(response))) return response
    // Another call may have refreshed meanwhile: then its token is good for this one as well.
    const renewed = this.accessToken !== used || (await this.refresh())
    return renewed ? this.host.fetch(this.bearing(again)) : response
  }

  /** True if there is a new access token; false if the session is over. Throws if the server cannot say. */
  refresh(): Promise<boolean> {
    this.refreshing ??= this.alone(() => this.spendCookie()).finally(() => {
      this.refreshing = undefined
    })
    return this.refreshing
  }

  private async alone(work: () => Promise<boolean>): Promise<boolean> {
    // Locks exist in secure contexts only (HTTPS or loopback); without them each tab is on its own.
    return this.host.locks ? await this.host.locks.request(LOCK, work) : await work()
  }

  private async spendCookie(): Promise<boolean> {
    await this.outlastAbandonedRefresh()
    this.host.storage.setItem(LEASE, String(Date.now()))
    // keepalive: the answer's new cookie is kept even if the page is left while it is under way. Leaving makes
    // fetch throw, and the lease stays.
    const response = await this.host.fetch(this.request('/api/v1/auth/refresh', { keepalive: true }))
    this.host.storage.removeItem(LEASE)
    if (response.ok) this.accept(await response.json())
    else if (response.status === 401) this.forget()
    else throw await problemOf(response)
    return response.ok
  }

  /** A page left in the middle of a refresh leaves its lease behind: its cookie may still be on the way. */
  private async outlastAbandonedRefresh(): Promise<void> {
    const left = Number(this.host.storage.getItem(LEASE) ?? 0) + ABANDONED_REFRESH_MS - Date.now()
    if (left > 0) await new Promise((resolve) => setTimeout(resolve, Math.min(left, ABANDONED_REFRESH_MS)))
  }

  private accept(tokens: Tokens): void {
    if (!tokens.user) throw new Error('The server answered tokens without saying whose they are.')
    this.accessToken = tokens.access_token
    this.host.storage.setItem(HINT, '1')
    clearTimeout(this.timer)
    const ahead = Math.max(tokens.expires_in - REFRESH_AHEAD_SECONDS, tokens.expires_in / 2)
    // A failure here shows at the next call, which refreshes again.
    this.timer = setTimeout(() => void this.refresh().catch(() => undefined), ahead * 1000)
    this.become({ status: 'authenticated', user: tokens.user })
  }

  private forget(): void {
    this.accessToken = undefined
    clearTimeout(this.timer)
    this.host.storage.removeItem(HINT)
    this.become({ status: 'anonymous' })
  }

  private hear(message: unknown): void {
    if (message === 'ended') this.forget()
    // Somebody logged in elsewhere, maybe as somebody else: take up the session the cookie now stands for.
    if (message === 'began') void this.resume()
  }

  private become(state: SessionState): void {
    this.state = state
    for (const listener of this.listeners) listener()
  }

  private bearing(request: Request): Request {
    if (this.accessToken !== undefined) request.headers.set('Authorization', `Bearer ${this.accessToken}`)
    return request
  }

  private request(path: string, options: RequestInit): Request {
    return new Request(new URL(path, window.location.origin), {
      method: 'POST',
      body: '{}',
      credentials: 'same-origin',
      headers: { 'Content-Type': 'application/json', 'X-Session': 'cookie' },
      ...options,
    })
  }
}

/** True unless the 401 is about something else, such as a wrong code: making that call again counts as a second try. */
async function refusesToken(response: Response): Promise<boolean> {
  const { reason } = await problemOf(response.clone())
  return reason.startsWith('TOKEN_') || reason === 'UNKNOWN'
}
