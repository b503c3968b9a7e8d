import { http, HttpResponse } from 'msw'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { createSession } from '@/testing/render'
import { ADA, server } from '@/testing/server'

const REFRESH = '*/api/v1/auth/refresh'
const HINT = 'shop-insight.session'

/** A server whose refresh tokens hold once, and whose access tokens hold until the next refresh. */
function authServer() {
  let spent = 0
  server.use(
    http.post(REFRESH, async ({ request }) => {
      expect(request.headers.get('X-Session')).toBe('cookie')
      const issued = ++spent
      await Promise.resolve()
      return HttpResponse.json({ access_token: `t${issued}`, expires_in: 900, user: ADA })
    }),
    http.all('*/api/v1/thing', async ({ request }) => {
      const good = request.headers.get('Authorization') === `Bearer t${spent}`
      if (good) return HttpResponse.json({ got: await request.text() })
      return HttpResponse.json({ reason: 'TOKEN_EXPIRED' }, { status: 401 })
    }),
  )
  return { refreshes: () => spent }
}

const thing = (init?: RequestInit) => new Request('http://localhost:3000/api/v1/thing', init)

async function loggedIn(token: string) {
  const session = createSession()
  session.begin({ access_token: token, expires_in: 900, user: { ...ADA, created_at: '' } })
  return session
}

afterEach(() => vi.useRealTimers())

describe('a session', () => {
  it('refreshes once for many calls refused at the same time, and makes each of them again', async () => {
    const auth = authServer()
    const session = await loggedIn('expired')
    const calls = [1, 2, 3, 4, 5].map((n) => session.authorizedFetch(thing({ method: 'POST', body: `body ${n}` })))
    const answers = await Promise.all((await Promise.all(calls)).map((response) => response.json()))
    expect(answers).toEqual([1, 2, 3, 4, 5].map((n) => ({ got: `body ${n}` })))
    expect(auth.refreshes()).toBe(1)
  })

  it('waits for the lock that another tab holds before it spends the refresh token', async () => {
    const auth = authServer()
    let release = () => {}
    const held = new Promise<void>((resolve) => (release = resolve))
    const locks = { request: async (_: string, work: () => unknown) => (await held, work()) }
    const session = createSession({ locks: locks as unknown as LockManager })
    localStorage.setItem(HINT, '1')
    const resumed = session.resume()
    await new Promise((resolve) => setTimeout(resolve))
    expect(auth.refreshes()).toBe(0)
    release()
    await resumed
    expect(session.snapshot()).toMatchObject({ status: 'authenticated', user: { email: ADA.email } })
    expect(auth.refreshes()).toBe(1)
  })

  it('gives a page left in the middle of a refresh time to receive its cookie', async () => {
    vi.useFakeTimers()
    const auth = authServer()
    localStorage.setItem(HINT, '1')
    localStorage.setItem('shop-insight.refreshing', String(Date.now() - 500))
    const resumed = createSession().resume()
    await vi.advanceTimersByTimeAsync(900)
    expect(auth.refreshes()).toBe(0)
    await vi.advanceTimersByTimeAsync(200)
    await resumed
    expect(auth.refreshes()).toBe(1)
    expect(localStorage.getItem('shop-insight.refreshing')).toBeNull()
  })

  it('is over when the refresh token no longer holds, and the call keeps its 401', async () => {
    authServer()
    server.use(http.post(REFRESH, () => HttpResponse.json({ reason: 'INVALID_REFRESH_TOKEN' }, { status: 401 })))
    const session = await loggedIn('expired')
    expect((await session.authorizedFetch(thing())).status).toBe(401)
    expect(session.snapshot()).toEqual({ status: 'anonymous' })
    expect(localStorage.getItem(HINT)).toBeNull()
  })

  it('makes a call no second time whose 401 is not about the token', async () => {
    const auth = authServer()
    let tries = 0
    server.use(
      http.all('*/api/v1/thing', () => {
        tries += 1
        return HttpResponse.json({ reason: 'MFA_CODE_WRONG', detail: 'the code is wrong' }, { status: 401 })
      }),
    )
    const session = await loggedIn('t0')
    const refused = await session.authorizedFetch(thing({ method: 'POST', body: '{}' }))
    expect(await refused.json()).toMatchObject({ reason: 'MFA_CODE_WRONG' })
    expect([tries, auth.refreshes()]).toEqual([1, 0])
    expect(session.snapshot()).toMatchObject({ status: 'authenticated' })
  })

  it('asks nothing of the server in a browser that never logged in', async () => {
    const session = createSession()
    await session.resume()
    expect(session.snapshot()).toEqual({ status: 'anonymous' })
  })

  it('is neither there nor gone while the server cannot say', async () => {
    server.use(http.post(REFRESH, () => HttpResponse.json({ reason: 'UNAVAILABLE' }, { status: 503 })))
    localStorage.setItem(HINT, '1')
    const session = createSession()
    await session.resume()
    expect(session.snapshot()).toMatchObject({ status: 'unavailable', problem: { reason: 'UNAVAILABLE' } })
    expect(localStorage.getItem(HINT)).toBe('1')
  })

  it('refreshes a minute before its token ends', async () => {
    vi.useFakeTimers()
    const auth = authServer()
    await loggedIn('t0')
    await vi.advanceTimersByTimeAsync(839_000)
    expect(auth.refreshes()).toBe(0)
    await vi.advanceTimersByTimeAsync(2_000)
    await vi.waitFor(() => expect(auth.refreshes()).toBe(1))
  })

  it('ends in the other tabs too', async () => {
    server.use(http.post('*/api/v1/auth/logout', () => HttpResponse.json({ sessions_ended: 1 })))
    const [here, there] = [new BroadcastChannel('test'), new BroadcastChannel('test')]
    const one = createSession({ channel: here })
    const other = createSession({ channel: there })
    const user = { ...ADA, created_at: '' }
    other.begin({ access_token: 't', expires_in: 900, user })
    const ended = new Promise<void>((resolve) => other.subscribe(resolve))
    await one.end()
    await ended
    expect(other.snapshot()).toEqual({ status: 'anonymous' })
    here.close()
    there.close()
  })
})
