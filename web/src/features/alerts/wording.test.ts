import { describe, expect, it } from 'vitest'
import type { Operator } from '@/features/alerts/api/alert-rules'
import { conditionWords, deliveryWords, nowWords, ruleWords } from '@/features/alerts/wording'

describe('a rule in plain words', () => {
  it.each<[Operator, number, string, string]>([
    ['>', 1000, 'USD', 'is above 1,000 USD'],
    ['<=', 2.5, '%', 'is at or below 2.5%'],
    ['change_pct>', 10, '', 'rises by more than 10% against the period before'],
    ['change_pct>=', 10, '', 'rises by 10% or more against the period before'],
    ['change_pct<', -10, '', 'falls by more than 10% against the period before'],
    ['change_pct<=', -10, '', 'falls by 10% or more against the period before'],
    ['change_pct<', 5, '', 'has changed by less than +5% against the period before'],
    ['change_pct>', -5, '', 'has changed by more than −5% against the period before'],
  ])('%s %s %s', (operator, threshold, unit, words) => {
    expect(conditionWords(operator, threshold, unit)).toBe(words)
  })

  it('says whom it tells, of what and how long it waits', () => {
    const rule = {
      metric: 'demand.revenue',
      condition: { operator: 'change_pct<' as const, threshold: -10 },
      for_minutes: 15,
      channels: [{ kind: 'in_app' as const }, { kind: 'email' as const }, { kind: 'webhook' as const, template: 'slack' as const }],
    }
    expect(ruleWords(rule)).toBe(
      'Tell me in this app, by e-mail and through Slack when “demand.revenue” falls by more than 10% against the period before for 15 minutes without a break, and again when that is over.',
    )
  })

  it('says how a figure stands, and how it has changed', () => {
    const figure = { metric: 'market_intel.revenue_7d', title: 'Revenue', unit: 'USD', value: 78935.914 }
    expect(nowWords({ ...figure, change_pct: -31.44 })).toBe('Now 78,935.91 USD, −31.4% against the period before.')
    expect(nowWords(figure)).toBe('Now 78,935.91 USD.')
    expect(nowWords({ ...figure, value: null })).toBe('')
  })

  it('says how a channel took it', () => {
    const delivery = { channel_id: 'c', kind: 'webhook' as const, outcome: 'failed' as const, reason: 'WEBHOOK_REFUSED' }
    expect(deliveryWords(delivery)).toBe('Webhook: failed (WEBHOOK_REFUSED)')
  })
})
