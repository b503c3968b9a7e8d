import type { AnswerRow } from '@/features/market-intel/answer-columns'
import type { Bar } from '@/features/market-intel/charts/bars-option'
import type { Cell } from '@/features/market-intel/charts/stack-option'
import { titlesIn } from '@/features/market-intel/named'
import { formatPercent } from '@/lib/format'

/** Says of a row what it is about: what its values of the dimensions are called, one after another. */
export function namerOf(rows: readonly object[], by: readonly string[]): (row: AnswerRow) => string {
  const titles = by.map((dimension) => [dimension, titlesIn(rows, dimension)] as const)
  const titleOf = (row: AnswerRow) => titles.map(([dimension, named]) => named.get(String(row[dimension] ?? 'unknown'))).join(' · ')
  return (row) => titleOf(row) || 'Revenue'
}

const periodOf = (row: AnswerRow): unknown => row.period_on ?? row.hour_at

/** The rows by period as cells of a chart. */
export function revenueCells(rows: readonly object[], by: readonly string[]): Cell[] {
  const nameOf = namerOf(rows, by)
  return (rows as readonly AnswerRow[]).flatMap((row) => {
    const period = periodOf(row)
    return typeof period === 'string' && typeof row.revenue === 'number' ? [{ period, group: nameOf(row), value: row.revenue }] : []
  })
}

/** Without the last period, which may have come in part: of a long answer only the first rows are here, oldest first. */
export function wholePeriods(rows: readonly object[]): readonly object[] {
  const last = periodOf((rows as readonly AnswerRow[]).at(-1) ?? {})
  const whole = (rows as readonly AnswerRow[]).filter((row) => periodOf(row) !== last)
  return whole.length > 0 ? whole : rows
}

/** Bars, and what is beyond them. */
export interface Ranking {
  bars: Bar[]
  /** Revenue of all that has no bar; they would dwarf the others. */
  rest: number
}

/** What the server adds up for being too small is no group that could be ranked. */
const isGroup = (by: readonly string[]) => (row: AnswerRow) => by.every((dimension) => row[dimension] !== 'other')

/** The rows over the whole of the time as bars, largest first, and what is left of the total. */
export function revenueBars(rows: readonly object[], by: readonly string[], most: number, total: number): Ranking {
  const nameOf = namerOf(rows, by)
  const bars = (rows as readonly AnswerRow[])
    .filter(isGroup(by))
    .map((row) => ({ title: nameOf(row), value: Number(row.revenue ?? 0), ...(typeof row.share_pct === 'number' && { told: [`${formatPercent(row.share_pct)} of all`] }) }))
    .sort((one, other) => other.value - one.value)
    .slice(0, most)
  const named = bars.reduce((sum, { value }) => sum + value, 0)
  return { bars, rest: Math.max(0, Math.round((total - named) * 100) / 100) }
}
