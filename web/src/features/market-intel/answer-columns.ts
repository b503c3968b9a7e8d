import type { components } from '@/api/schema'
import { capitalised } from '@/features/market-intel/words'

export type AnswerColumn = components['schemas']['common.v1.Column']
export type AnswerRow = Readonly<Record<string, unknown>>

/** The same for every row, or told beside the table. */
const TOLD_ELSEWHERE = new Set(['data_through_on', 'model_name', 'model_version', 'computed_at', 'currency_code'])

const TITLES: Record<string, string> = {
  ds: 'Period',
  period_on: 'Period',
  hour_at: 'Hour',
  aov: 'Order value',
  hhi: 'HHI',
  cogs: 'Cost of goods',
  list_price: 'Our price',
  competitor_price: 'Their price',
  gap_pct: 'Gap',
  growth_pct: 'Growth',
  share_pct: 'Share',
  value_a: 'One',
  value_a_name: 'One',
  value_b: 'The other',
  value_b_name: 'The other',
  dimension_a: 'Dimension',
  dimension_b: 'Other dimension',
  p_value: 'p-value',
  is_significant: 'More than chance',
  product_id: 'Product id',
  product_name: 'Product',
  category_id: 'Category id',
  category_name: 'Category',
  department_name: 'Department',
}

/** The columns that have something to say in a table. */
export function shownColumns(columns: readonly AnswerColumn[], hidden: readonly string[] = []): AnswerColumn[] {
  return columns.filter(({ name }) => !name.startsWith('_') && !TOLD_ELSEWHERE.has(name) && !hidden.includes(name))
}

/** A column in words; its unit is told in its cells. */
export function columnTitle(name: string): string {
  return TITLES[name] ?? capitalised(name.replace(/_(pct|on|at)$/, '').replace(/^is_/, ''))
}
