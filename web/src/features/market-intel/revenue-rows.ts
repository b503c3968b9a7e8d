import type { AnswerRow } from '@/features/market-intel/answer-columns'
import type { Bar } from '@/features/market-intel/charts/bars-option'
import { type Cell, OTHERS } from '@/features/market-intel/charts/stack-option'
import { formatPercent } from '@/lib/format'

/** What a row is about: its values of the dimensions, one after another. */
export function groupOf(row: AnswerRow, by: readonly string[]): string {
  return by.map((name) => String(row[name] ?? 'unknown')).join(' · ') || 'Revenue'
}

/** The rows by period as cells of a chart. */
export function revenueCells(rows: readonly object[], by: readonly string[]): Cell[] {
  return (rows as AnswerRow[]).flatMap((row) => {
    const period = row.period_on ?? row.hour_at
    return typeof period === 'string' && typeof row.revenue === 'number' ? [{ period, group: groupOf(row, by), value: row.revenue }] : []
  })
}

/** The rows over the whole of the time as bars, largest first, the smallest together. */
export function revenueBars(rows: readonly object[], by: readonly string[], most: number): Bar[] {
  const bars = (rows as AnswerRow[])
    .map((row) => ({ title: groupOf(row, by), value: Number(row.revenue ?? 0), ...(typeof row.share_pct === 'number' && { told: [`${formatPercent(row.share_pct)} of all`] }) }))
    .sort((one, other) => other.value - one.value)
  if (bars.length <= most) return bars
  const rest = bars.slice(most - 1)
  return [...bars.slice(0, most - 1), { title: OTHERS, value: rest.reduce((sum, { value }) => sum + value, 0) }]
}
