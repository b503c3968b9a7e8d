import { useState } from 'react'
import { type AlertEvent, useAlertRules } from '@/features/alerts/api/alert-rules'
import { useSessionState } from '@/lib/context'
import { useRealtime } from '@/lib/use-realtime'

/** What the bell tells: an event that arrived, or a rule that fires. */
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
  const [heard, setHeard] = useState<AlertEvent[]>([])
  const rules = useAlertRules()
  useRealtime('alerts', (event) => {
    if (event.type !== 'event') return
    const told = event.data as AlertEvent
    if (told.in_app) setHeard((before) => [told, ...before.filter((one) => one.event_id !== told.event_id)].slice(0, MOST))
  })
  const firing = (rules.data ?? []).filter(
    (rule) => rule.state === 'firing' && rule.enabled && rule.channels.some(({ kind }) => kind === 'in_app') && !heard.some((one) => one.rule_id === rule.id),
  )
  const notices = [
    ...heard.map((event) => ({ key: String(event.event_id), kind: event.kind, name: event.name, detail: event.detail, at: event.at })),
    ...firing.map((rule) => ({ key: rule.id, kind: 'fired' as const, name: rule.name, detail: '', at: rule.state_since })),
  ].sort((one, other) => other.at.localeCompare(one.at))
  const read = () => {
    const newest = notices[0]?.at
    if (!newest || newest <= seen) return
    localStorage.setItem(key, newest)
    setSeen(newest)
  }
  return { notices: notices.map((notice) => ({ ...notice, unread: notice.at > seen })), read }
}
