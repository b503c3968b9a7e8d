import type { TrendDirection } from '@/features/market-intel/api/trends'
import type { TrendPoint } from '@/features/market-intel/charts/trend-option'
import { formatFigure, formatPeriod } from '@/features/market-intel/words'
import { formatPercent } from '@/lib/format'

/** The rows of an answer as points of a chart. */
export function trendPoints(rows: readonly object[]): TrendPoint[] {
  return (rows as Record<string, unknown>[]).flatMap((row) => {
    const { ds, value, moving_average, is_anomaly } = row
    if (typeof ds !== 'string' || typeof value !== 'number') return []
    return [{ ds, value, average: typeof moving_average === 'number' ? moving_average : null, anomaly: is_anomaly === true }]
  })
}

/** The points in words. */
export function trendNumbers(points: readonly TrendPoint[], frequency: string, unit: string) {
  const rows = points.map(({ ds, value, average, anomaly }) => [formatPeriod(ds, frequency), formatFigure(value, unit), formatFigure(average, unit), anomaly ? 'Out of line' : ''])
  return { header: ['Period', 'Value', 'Moving average', 'Anomaly'], rows }
}

const PERIOD: Record<string, string> = { day: 'a day', week: 'a week', month: 'a month' }

/** Where a series is heading, in a sentence. */
export function directionPhrase(direction: TrendDirection, frequency: string, unit: string): string {
  const { slope, slope_pct, p_value, periods, note } = direction
  const way = { up: 'It rises', down: 'It falls' }[direction.direction ?? '']
  const p = typeof p_value === 'number' ? p_value < 0.001 ? 'p < 0.001' : `p = ${p_value.toFixed(3)}` : ''
  if (!way) return `No direction that can be told from noise in the last ${periods ?? 0} periods${p ? ` (${p})` : ''}. ${note ?? ''}`.trim()
  const percent = typeof slope_pct === 'number' ? ` (${formatPercent(Math.abs(slope_pct))})` : ''
  return `${way} by ${formatFigure(Math.abs(slope ?? 0), unit)}${percent} ${PERIOD[frequency] ?? 'a period'} over the last ${periods ?? 0} periods${p ? `, ${p}` : ''}.`
}
