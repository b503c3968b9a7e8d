import type { AlertEvent, AlertRule, Channel, Figure, Operator } from '@/features/alerts/api/alert-rules'
import type { Tone } from '@/components/tone-chip'

const TENTH = new Intl.NumberFormat('en-US', { maximumFractionDigits: 1 })
const NUMBER = new Intl.NumberFormat('en-US', { maximumFractionDigits: 4 })

/** The comparisons, in words that go before the threshold. */
export const OPERATORS: readonly { operator: Operator; title: string; change: boolean }[] = [
  { operator: '>', title: 'is above', change: false },
  { operator: '>=', title: 'is at or above', change: false },
  { operator: '<', title: 'is below', change: false },
  { operator: '<=', title: 'is at or below', change: false },
  { operator: 'change_pct>', title: 'change in % is above', change: true },
  { operator: 'change_pct>=', title: 'change in % is at or above', change: true },
  { operator: 'change_pct<', title: 'change in % is below', change: true },
  { operator: 'change_pct<=', title: 'change in % is at or below', change: true },
]

export const CHANNEL_TITLES = { in_app: 'In this app', email: 'E-mail', webhook: 'Webhook' } as const
export const TEMPLATES = [
  { template: 'plain', title: 'Plain JSON' },
  { template: 'slack', title: 'Slack' },
  { template: 'pagerduty', title: 'PagerDuty' },
  { template: 'sms', title: 'SMS gateway' },
] as const

/** A condition in words: `falls by more than 10% against the period before`. */
export function conditionWords(operator: Operator, threshold: number, unit = ''): string {
  if (!operator.startsWith('change_pct')) return `${OPERATORS.find((known) => known.operator === operator)?.title} ${amount(threshold, unit)}`
  const size = `${NUMBER.format(Math.abs(threshold))}%`
  const than = 'against the period before'
  const inclusive = operator.endsWith('=')
  const upwards = operator.includes('>')
  if (upwards && threshold >= 0) return `rises by ${inclusive ? size + ' or more' : 'more than ' + size} ${than}`
  if (!upwards && threshold <= 0) return `falls by ${inclusive ? size + ' or more' : 'more than ' + size} ${than}`
  const signed = `${threshold < 0 ? '−' : '+'}${size}`
  return `has changed by ${upwards ? 'more' : 'less'} than ${signed}${inclusive ? ', or exactly that,' : ''} ${than}`
}

/** A whole rule in one sentence. */
export function ruleWords(rule: Pick<AlertRule, 'metric' | 'condition' | 'for_minutes'> & { channels: readonly Pick<Channel, 'kind' | 'template'>[] }, figure?: Figure): string {
  const { operator, threshold } = rule.condition
  const what = figure?.title ?? (rule.metric || '…')
  const minutes = rule.for_minutes
  const window = minutes > 0 ? ` for ${minutes} ${minutes === 1 ? 'minute' : 'minutes'} without a break` : ''
  return `Tell me ${channelWords(rule.channels)} when “${what}” ${conditionWords(operator, threshold, figure?.unit)}${window}, and again when that is over.`
}

/** Channels in words: `in this app and by e-mail`. */
export function channelWords(channels: readonly Pick<Channel, 'kind' | 'template'>[]): string {
  const words = channels.map(({ kind, template }) => {
    if (kind === 'in_app') return 'in this app'
    if (kind === 'email') return 'by e-mail'
    const form = TEMPLATES.find((known) => known.template === template)
    return form && form.template !== 'plain' ? `through ${form.title}` : 'by a webhook'
  })
  return words.length > 1 ? `${words.slice(0, -1).join(', ')} and ${words.at(-1)}` : (words[0] ?? 'nowhere')
}

/** A figure as it stands now: `Now 78,935.91 USD, −31.4% against the period before`. */
export function nowWords({ value, unit, change_pct }: Figure): string {
  if (typeof value !== 'number') return ''
  const change = typeof change_pct === 'number' ? `, ${change_pct < 0 ? '−' : '+'}${TENTH.format(Math.abs(change_pct))}% against the period before` : ''
  return `Now ${figureWords(value, unit)}${change}.`
}

/** A value with its unit, as exact as a reader can use. */
export const figureWords = (value: number, unit: string): string => amount(Math.round(value * 100) / 100, unit)

function amount(value: number, unit: string): string {
  if (unit === '%') return `${NUMBER.format(value)}%`
  return unit ? `${NUMBER.format(value)} ${unit}` : NUMBER.format(value)
}

const STATES = {
  ok: { tone: 'success', label: 'Quiet' },
  pending: { tone: 'warning', label: 'About to fire' },
  firing: { tone: 'error', label: 'Firing' },
} as const
const PROBLEMS: Record<string, string> = {
  NO_FIGURE: 'The figure is not there at the moment.',
  OWNER_MAY_NOT_READ: 'Its owner may no longer read the figure.',
}

/** How a rule stands. */
export function standing(rule: AlertRule): { tone: Tone; label: string } {
  if (!rule.enabled) return { tone: 'neutral', label: 'Off' }
  if (rule.problem) return { tone: 'warning', label: 'Cannot look' }
  if (!rule.evaluated_at) return { tone: 'neutral', label: 'Not looked yet' }
  return STATES[rule.state]
}

export const problemWords = (problem: string): string => PROBLEMS[problem] ?? problem

const KINDS = {
  fired: { tone: 'error', label: 'Fired' },
  resolved: { tone: 'success', label: 'Resolved' },
  test: { tone: 'info', label: 'Test' },
} as const

export const eventStanding = (event: Pick<AlertEvent, 'kind'>): { tone: Tone; label: string } => KINDS[event.kind]

/** How channels took an event: `E-mail: sent`. */
export function deliveryWords({ kind, outcome, reason }: AlertEvent['deliveries'][number]): string {
  const how = outcome === 'sent' ? 'sent' : outcome === 'waiting' ? 'on its way' : 'failed'
  return `${CHANNEL_TITLES[kind]}: ${how}${reason ? ` (${reason})` : ''}`
}
