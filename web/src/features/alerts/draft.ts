import type { AlertRule, Channel, NewRule, Operator } from '@/features/alerts/api/alert-rules'

/** A channel while it is edited; an address or secret left empty stays as it is. */
export interface DraftChannel {
  key: string
  id?: string
  kind: Channel['kind']
  template: NonNullable<Channel['template']>
  url: string
  secret: string
  /** What the server tells of an address that is kept. */
  knownUrl: string
  hasSecret: boolean
}

/** A rule while it is edited: numbers as they are typed. */
export interface Draft {
  name: string
  metric: string
  operator: Operator
  threshold: string
  forMinutes: string
  channels: DraftChannel[]
  enabled: boolean
}

export function newChannel(kind: Channel['kind']): DraftChannel {
  return { key: crypto.randomUUID(), kind, template: 'plain', url: '', secret: '', knownUrl: '', hasSecret: false }
}

export function draftOf(rule: AlertRule | undefined): Draft {
  if (!rule) return { name: '', metric: '', operator: 'change_pct<', threshold: '-10', forMinutes: '0', channels: [newChannel('in_app')], enabled: true }
  return {
    name: rule.name,
    metric: rule.metric,
    operator: rule.condition.operator,
    threshold: String(rule.condition.threshold),
    forMinutes: String(rule.for_minutes),
    channels: rule.channels.map((channel) => ({
      ...newChannel(channel.kind),
      id: channel.id,
      template: channel.template ?? 'plain',
      knownUrl: channel.url ?? '',
      hasSecret: channel.has_secret ?? false,
    })),
    enabled: rule.enabled,
  }
}

/** The rule that a draft stands for, or undefined while something is missing. */
export function ruleOf(draft: Draft): NewRule | undefined {
  const threshold = Number(draft.threshold)
  const for_minutes = Number(draft.forMinutes)
  const complete = draft.name.trim() && draft.metric.trim() && draft.threshold.trim() && draft.channels.length > 0
  if (!complete || !Number.isFinite(threshold) || !Number.isInteger(for_minutes) || for_minutes < 0) return undefined
  return {
    name: draft.name.trim(),
    metric: draft.metric.trim(),
    condition: { operator: draft.operator, threshold },
    for_minutes,
    channels: draft.channels.map(channelOf),
    enabled: draft.enabled,
  }
}

function channelOf({ id, kind, template, url, secret }: DraftChannel): Channel {
  const own = { kind, ...(id && { id }) }
  if (kind !== 'webhook') return own
  return { ...own, template, ...(url.trim() && { url: url.trim() }), ...(secret && { secret }) }
}
