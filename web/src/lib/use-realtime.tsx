import { createContext, type ReactNode, use, useEffect, useEffectEvent, useMemo, useSyncExternalStore } from 'react'
import { type Api, answer } from '@/lib/api'
import { usePlatform, useSessionState } from '@/lib/context'
import { Realtime, type RealtimeEvent } from '@/lib/realtime'

const RealtimeContext = createContext<Realtime | undefined>(undefined)
const NEVER = () => () => undefined
const WAITING = () => 'waiting' as const

/** The live connection of whoever is logged in; another person's begins anew. */
export function RealtimeProvider({ children }: { children: ReactNode }) {
  const { api } = usePlatform()
  const session = useSessionState()
  const owner = session.status === 'authenticated' ? session.user.id : undefined
  // Made without any effect: it connects with its first listener.
  const realtime = useMemo(() => (owner === undefined ? undefined : realtimeOver(api)), [api, owner])
  useEffect(() => () => realtime?.close(), [realtime])
  return <RealtimeContext value={realtime}>{children}</RealtimeContext>
}

/**
 * Calls back with the events of a topic. Answers whether they arrive live: while they do not, the caller asks the
 * server now and then instead.
 */
export function useRealtime(topic: string, onEvent: (event: RealtimeEvent) => void): boolean {
  const realtime = use(RealtimeContext)
  const tell = useEffectEvent(onEvent)
  useEffect(() => realtime?.subscribe(topic, (event) => tell(event)), [realtime, topic])
  return useSyncExternalStore(realtime?.watch ?? NEVER, realtime?.snapshot ?? WAITING) === 'live'
}

function realtimeOver(api: Api): Realtime {
  return new Realtime({
    ticket: async () => (await answer(api.POST('/api/v1/realtime/ticket'))).ticket,
    open: (ticket) => new WebSocket(address(ticket)),
  })
}

function address(ticket: string): string {
  const url = new URL('/api/v1/realtime', window.location.origin)
  url.protocol = url.protocol.replace('http', 'ws')
  url.searchParams.set('ticket', ticket)
  return url.href
}
