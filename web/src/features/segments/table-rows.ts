import type { Column, SegmentRow } from '@/features/segments/api/get-segments'

export interface Sorting {
  column: string
  direction: 'asc' | 'desc'
}

/** A row with its share of all customers, which the table in the lake does not hold. */
export type SharedRow = SegmentRow & { customers_share_pct: number }

/** The same for every row of an answer, and told once beside the table instead. */
const CONSTANT = new Set(['method', 'silhouette', 'silhouette_k', 'data_through_on', 'model_name', 'model_version', 'computed_at'])

const TITLES: Record<string, string> = {
  segment: 'Segment',
  customers: 'Customers',
  revenue: 'Revenue',
  revenue_share_pct: 'Revenue share',
  recency_days_mean: 'Mean recency',
  frequency_mean: 'Mean orders',
  monetary_mean: 'Mean spend',
  action: 'Recommended action',
}

/** The columns worth a place in the table, in the order of the contract. */
export function shownColumns(columns: readonly Column[]): Column[] {
  return columns.filter((column) => !CONSTANT.has(column.name) && !column.name.startsWith('_'))
}

/** A column's title in words; a column that this page has not heard of is shown all the same. */
export function columnTitle(name: string): string {
  return TITLES[name] ?? name.charAt(0).toUpperCase() + name.slice(1).replaceAll('_', ' ')
}

/** The rows in the order asked for; rows without a value come last either way. */
export function sortRows<Row extends SegmentRow>(rows: readonly Row[], { column, direction }: Sorting): Row[] {
  const sign = direction === 'asc' ? 1 : -1
  const value = (row: Row) => (row as Record<string, unknown>)[column]
  return [...rows].sort((one, other) => {
    const [a, b] = [value(one), value(other)]
    if (isMissing(a) || isMissing(b)) return Number(isMissing(a)) - Number(isMissing(b))
    if (typeof a === 'number' && typeof b === 'number') return sign * (a - b)
    return sign * String(a).localeCompare(String(b), 'en')
  })
}

/** The rows with each one's share of all customers, 0-100. */
export function withCustomerShare(rows: readonly SegmentRow[]): SharedRow[] {
  const all = rows.reduce((sum, row) => sum + row.customers, 0)
  return rows.map((row) => ({ ...row, customers_share_pct: all === 0 ? 0 : (row.customers / all) * 100 }))
}

function isMissing(value: unknown): boolean {
  return value === null || value === undefined
}
