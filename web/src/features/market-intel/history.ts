import { useProductMonths } from '@/features/market-intel/api/products'
import { useRevenue } from '@/features/market-intel/api/revenue'
import type { Stored } from '@/features/market-intel/api/stored'
import { useTrends } from '@/features/market-intel/api/trends'
import type { Actual } from '@/features/market-intel/charts/forecast-option'

const SHOWN: Record<string, number> = { day: 120, week: 104, month: 48 }
const DAYS: Record<string, number> = { day: 1, week: 7, month: 31 }
const EVERYWHERE = { from: '', to: '', channel: '', region: '', country: '', currency: '' }

/** The day that the history shown before a forecast begins on. */
export function historyFrom(first: string, frequency: string): string {
  const day = new Date(`${first.slice(0, 10)}T00:00:00Z`)
  day.setUTCDate(day.getUTCDate() - (SHOWN[frequency] ?? 100) * (DAYS[frequency] ?? 1))
  return day.toISOString().slice(0, 10)
}

/**
 * What was before a forecast: the whole and regions by their trends, channels and departments by their revenue, single
 * products by their months, which alone are kept of them.
 */
export function useHistory({ metric, frequency, level, series_id }: Stored, first: string | undefined): { history: Actual[]; told: boolean } {
  const from = first ? historyFrom(first, frequency) : ''
  const byTrend = level === 'total' || level === 'region'
  const byRevenue = level === 'channel' || level === 'category'
  const trends = useTrends({ metric, frequency, region: level === 'region' ? series_id : 'all', from }, Boolean(first) && byTrend)
  const slice = { ...EVERYWHERE, from, grain: frequency, by: [], ...(level === 'channel' ? { channel: series_id } : { category: series_id }) }
  const revenue = useRevenue(slice, Boolean(first) && byRevenue)
  const byMonth = level === 'product' && frequency === 'month' && metric !== 'orders'
  const months = useProductMonths(series_id, Boolean(first) && byMonth)
  const rows = (byTrend ? trends.data?.items : byRevenue ? revenue.data?.items : byMonth ? months.data : undefined) ?? []
  const figure = byTrend ? 'value' : byMonth && metric === 'revenue' ? 'sales' : metric
  return { history: actualsOf(rows, figure, first).filter(({ ds }) => ds >= from), told: byTrend || byRevenue || byMonth }
}

/** The rows before a day as points of a line. */
export function actualsOf(rows: readonly object[], figure: string, before: string | undefined): Actual[] {
  return (rows as Record<string, unknown>[]).flatMap((row) => {
    const [ds, value] = [row.ds ?? row.period_on, row[figure]]
    return typeof ds === 'string' && typeof value === 'number' && (!before || ds < before) ? [{ ds, value }] : []
  })
}
