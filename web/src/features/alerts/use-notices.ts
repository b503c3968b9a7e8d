import { useState } from 'react'
import { type AlertEvent, useNewestEvents } from '@/features/alerts/api/alert-rules'
import { useSessionState } from '@/lib/context'

/** What the bell tells: something that happened to a rule. */
export interface Notice {
  key: string
  kind: AlertEvent['kind']
  name: string
  detail: string
  at: string
  unread: boolean
}

const MOST = 20
const SEEN = 'shop-insight.alerts-seen'

/** Notices, the newest first, and how to say that they were read; that is remembered in this browser. */
export function useNotices(): { notices: Notice[]; read: () => void } {
  const state = useSessionState()
  const key = `${SEEN}.${state.status === 'authenticated' ? state.user.id : ''}`
  const [seen, setSeen] = useState(() => localStorage.getItem(key) ?? '')
  const events = useNewestEvents(MOST)
  const told = (events.data ?? []).filter((event) => event.in_app)
  const read = () => {
    const newest = told[0]?.at
    if (!newest || newest <= seen) return
    localStorage.setItem(key, newest)
    setSeen(newest)
  }
  const notices = told.map(({ event_id, kind, name, detail, at }) => ({ key: String(event_id), kind, name, detail, at, unread: at > seen }))
  return { notices, read }
}
