/** One event of a topic, or word that events were missed and what is shown must be asked for anew. */
export type RealtimeEvent = { type: 'event'; topic: string; seq: string; at: string; data: unknown } | { type: 'reset'; topic: string }
type Listener = (event: RealtimeEvent) => void
/** `live`: events arrive. `waiting`: there is no connection now. `off`: there will be none. */
export type RealtimeState = 'waiting' | 'live' | 'off'

/** What the connection needs of its surroundings, so that a test can hand in its own. */
export interface RealtimeHost {
  /** A ticket that opens one connection; throws where there is none. */
  ticket: () => Promise<string>
  open: (ticket: string) => WebSocket
}

type Said =
  | RealtimeEvent
  | { type: 'subscribed'; topics: string[]; seq: string }
  | { type: 'unsubscribed'; topics: string[] }
  | { type: 'error'; reason: string; detail: string }
  | { type: 'pong' }

const FIRST_WAIT_MS = 500
const LONGEST_WAIT_MS = 30_000
const PING_MS = 25_000
const WRONG_ORIGIN = 4003

/**
 * The one connection of a tab to /realtime. It is open while anybody listens, comes back by itself with waits that
 * double, and goes on where it stopped: each topic by the number of its last event.
 */
export class Realtime {
  private readonly listeners = new Map<string, Set<Listener>>()
  private readonly watchers = new Set<() => void>()
  private readonly seqs = new Map<string, string>()
  private state: RealtimeState = 'waiting'
  private socket: WebSocket | undefined
  private timer: ReturnType<typeof setTimeout> | undefined
  private heartbeat: ReturnType<typeof setInterval> | undefined
  private failures = 0
  private heard = true
  private opening = false

  constructor(private readonly host: RealtimeHost) {}

  readonly snapshot = (): RealtimeState => this.state

  /** Calls back whenever the state changes. */
  readonly watch = (watcher: () => void): (() => void) => {
    this.watchers.add(watcher)
    return () => this.watchers.delete(watcher)
  }

  /** Hears a topic until the answer is called. */
  subscribe(topic: string, listener: Listener): () => void {
    const known = this.listeners.get(topic)
    if (known) known.add(listener)
    else {
      this.listeners.set(topic, new Set([listener]))
      if (this.state === 'live') this.ask([topic])
    }
    void this.connect()
    return () => this.leave(topic, listener)
  }

  /** Ends the connection for good. */
  close(): void {
    this.become('off')
    this.listeners.clear()
    this.drop()
  }

  private leave(topic: string, listener: Listener): void {
    const own = this.listeners.get(topic)
    own?.delete(listener)
    if (!own || own.size > 0) return
    this.listeners.delete(topic)
    this.seqs.delete(topic)
    if (this.listeners.size === 0) this.drop()
    else if (this.state === 'live') this.send({ op: 'unsubscribe', topics: [topic] })
  }

  private async connect(): Promise<void> {
    if (this.socket || this.opening || this.timer || this.state === 'off') return
    this.opening = true
    try {
      const ticket = await this.host.ticket()
      if (this.wanted()) this.take(this.host.open(ticket))
    } catch {
      this.retry()
    } finally {
      this.opening = false
    }
  }

  private wanted(): boolean {
    return this.state !== 'off' && this.listeners.size > 0
  }

  private take(socket: WebSocket): void {
    this.socket = socket
    socket.onopen = () => {
      this.heard = true
      this.heartbeat = setInterval(() => this.beat(), PING_MS)
      this.ask([...this.listeners.keys()])
    }
    socket.onmessage = (message) => this.hear(JSON.parse(String(message.data)) as Said)
    socket.onclose = ({ code }) => {
      this.drop()
      if (code === WRONG_ORIGIN) this.become('off')
      else this.retry()
    }
  }

  private ask(topics: string[]): void {
    const resume = Object.fromEntries(topics.flatMap((topic) => [[topic, this.seqs.get(topic)]]).filter(([, seq]) => seq))
    this.send({ op: 'subscribe', topics, resume })
  }

  private hear(said: Said): void {
    this.heard = true
    if (said.type === 'subscribed') {
      this.failures = 0
      for (const topic of said.topics) if (!this.seqs.has(topic)) this.seqs.set(topic, said.seq)
      this.become('live')
    } else if (said.type === 'event') {
      this.seqs.set(said.topic, said.seq)
      this.tell(said)
    } else if (said.type === 'reset') {
      this.seqs.delete(said.topic)
      this.tell(said)
    }
  }

  private tell(event: RealtimeEvent): void {
    for (const listener of this.listeners.get(event.topic) ?? []) listener(event)
  }

  /** A connection that has said nothing since the last beat is dead, though nobody closed it. */
  private beat(): void {
    if (this.heard) {
      this.heard = false
      this.send({ op: 'ping' })
      return
    }
    this.drop()
    this.retry()
  }

  private retry(): void {
    if (!this.wanted()) return
    this.become('waiting')
    const longest = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** this.failures++)
    // Spread out, so that many tabs do not come back in the same moment.
    this.timer = setTimeout(() => {
      this.timer = undefined
      void this.connect()
    }, longest * (0.5 + Math.random() / 2))
  }

  private drop(): void {
    clearTimeout(this.timer)
    clearInterval(this.heartbeat)
    this.timer = undefined
    const socket = this.socket
    this.socket = undefined
    if (this.state === 'live') this.become('waiting')
    if (!socket) return
    socket.onopen = socket.onmessage = socket.onclose = null
    socket.close()
  }

  private send(message: object): void {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(message))
  }

  private become(state: RealtimeState): void {
    if (state === this.state) return
    this.state = state
    for (const watcher of this.watchers) watcher()
  }
}
