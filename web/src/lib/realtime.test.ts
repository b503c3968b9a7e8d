import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Realtime, type RealtimeEvent } from '@/lib/realtime'

/** The other end of a connection, as far as the app sees of it. */
class Socket {
  readyState: number = WebSocket.OPEN
  sent: { op: string; topics?: string[]; resume?: object }[] = []
  onopen: (() => void) | null = null
  onmessage: ((message: { data: string }) => void) | null = null
  onclose: ((event: { code: number }) => void) | null = null
  closed = false
  send = (text: string) => this.sent.push(JSON.parse(text))
  close = () => {
    this.closed = true
  }
  says = (message: object) => this.onmessage?.({ data: JSON.stringify(message) })
}

let sockets: Socket[]
let tickets: () => Promise<string>
let heard: RealtimeEvent[]
const last = () => sockets.at(-1) as Socket
const event = (seq: string) => ({ type: 'event', topic: 'alerts', seq, at: '', data: { n: seq } })

beforeEach(() => {
  vi.useFakeTimers()
  sockets = []
  heard = []
  tickets = () => Promise.resolve('rt_1')
})
afterEach(() => vi.useRealTimers())

function start() {
  const open = () => {
    sockets.push(new Socket())
    return last() as unknown as WebSocket
  }
  return new Realtime({ ticket: () => tickets(), open })
}

async function live() {
  const realtime = start()
  const leave = realtime.subscribe('alerts', (one) => heard.push(one))
  await vi.advanceTimersByTimeAsync(0)
  last().onopen?.()
  last().says({ type: 'subscribed', topics: ['alerts'], seq: 'e-5' })
  return { realtime, leave }
}

describe('the live connection', () => {
  it('opens with a ticket for the first listener, and tells what comes', async () => {
    const { realtime } = await live()
    expect(last().sent).toEqual([{ op: 'subscribe', topics: ['alerts'], resume: {} }])
    expect(realtime.snapshot()).toBe('live')
    last().says(event('e-6'))
    expect(heard).toMatchObject([{ data: { n: 'e-6' } }])
  })

  it('shares one connection among topics, and closes it behind the last listener', async () => {
    const { realtime, leave } = await live()
    const other = realtime.subscribe('operations', () => undefined)
    expect(sockets).toHaveLength(1)
    expect(last().sent.at(-1)).toMatchObject({ op: 'subscribe', topics: ['operations'] })
    other()
    expect(last().sent.at(-1)).toEqual({ op: 'unsubscribe', topics: ['operations'] })
    leave()
    expect(last().closed).toBe(true)
    await vi.advanceTimersByTimeAsync(60_000)
    expect(sockets).toHaveLength(1)
  })

  it.each([[[], 'e-5'], [['e-6', 'e-7'], 'e-7']])('comes back after a loss and goes on where it stopped: %s', async (seqs, from) => {
    const { realtime } = await live()
    for (const seq of seqs) last().says(event(seq))
    last().onclose?.({ code: 1006 })
    expect(realtime.snapshot()).toBe('waiting')
    await vi.advanceTimersByTimeAsync(500)
    expect(sockets).toHaveLength(2)
    last().onopen?.()
    expect(last().sent).toEqual([{ op: 'subscribe', topics: ['alerts'], resume: { alerts: from } }])
  })

  it('waits twice as long after each failure, half a minute at most', async () => {
    vi.spyOn(Math, 'random').mockReturnValue(1)
    let asked = 0
    tickets = () => {
      asked += 1
      return Promise.reject(new Error('503'))
    }
    start().subscribe('alerts', () => undefined)
    const counts = []
    for (const wait of [0, 500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]) {
      await vi.advanceTimersByTimeAsync(wait)
      counts.push(asked)
    }
    expect(counts).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9])
  })

  it('tells that events were missed, and does not ask for them again', async () => {
    await live()
    last().says({ type: 'reset', topic: 'alerts' })
    expect(heard).toEqual([{ type: 'reset', topic: 'alerts' }])
    last().onclose?.({ code: 1001 })
    await vi.advanceTimersByTimeAsync(500)
    last().onopen?.()
    expect(last().sent[0]).toMatchObject({ resume: {} })
  })

  it('takes a connection that answers no ping for dead', async () => {
    await live()
    await vi.advanceTimersByTimeAsync(25_000)
    expect(last().sent.at(-1)).toEqual({ op: 'ping' })
    last().says({ type: 'pong' })
    await vi.advanceTimersByTimeAsync(25_000)
    expect(sockets).toHaveLength(1)
    await vi.advanceTimersByTimeAsync(25_000)
    expect(sockets[0]?.closed).toBe(true)
    await vi.advanceTimersByTimeAsync(500)
    expect(sockets).toHaveLength(2)
  })

  it('does not knock again where pages of its origin may not come in', async () => {
    const { realtime } = await live()
    last().onclose?.({ code: 4003 })
    await vi.advanceTimersByTimeAsync(120_000)
    expect(realtime.snapshot()).toBe('off')
    expect(sockets).toHaveLength(1)
  })

  it('opens nothing once it was closed, also when a ticket comes late', async () => {
    let give: (ticket: string) => void = () => undefined
    tickets = () => new Promise((resolve) => (give = resolve))
    const realtime = start()
    realtime.subscribe('alerts', () => undefined)
    realtime.close()
    give('rt_late')
    await vi.advanceTimersByTimeAsync(60_000)
    expect(sockets).toEqual([])
  })
})
