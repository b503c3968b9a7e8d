/** A column as every table answer describes it. */
export interface ColumnFormat {
  type: string
  unit?: string
}

const LOCALE = 'en-US'
const COUNT = new Intl.NumberFormat(LOCALE, { maximumFractionDigits: 0 })
/** No sign before what is rounded to nought. */
const DECIMAL = new Intl.NumberFormat(LOCALE, { minimumFractionDigits: 1, maximumFractionDigits: 1, signDisplay: 'negative' })
const MONEY = new Intl.NumberFormat(LOCALE, { style: 'currency', currency: 'USD' })
const COMPACT_MONEY = new Intl.NumberFormat(LOCALE, {
  style: 'currency',
  currency: 'USD',
  notation: 'compact',
  maximumFractionDigits: 2,
})
const DAY = new Intl.DateTimeFormat(LOCALE, { dateStyle: 'medium', timeZone: 'UTC' })
const MOMENT = new Intl.DateTimeFormat(LOCALE, { dateStyle: 'medium', timeStyle: 'short' })
const SECOND = new Intl.DateTimeFormat(LOCALE, { dateStyle: 'medium', timeStyle: 'medium' })
const NOTHING = '–'

export const formatCount = (value: number): string => COUNT.format(value)
export const formatMoney = (value: number): string => MONEY.format(value)
export const formatCompactMoney = (value: number): string => COMPACT_MONEY.format(value)
export const formatPercent = (value: number): string => `${DECIMAL.format(value)}%`
/** Two places, without a sign where they are nought. */
export const formatRatio = (value: number): string => value.toFixed(2).replace(/^-(0\.00)$/, '$1')

/** A `YYYY-MM-DD` day in words. */
export const formatDay = (day: string): string => DAY.format(new Date(`${day}T00:00:00Z`))

/** An RFC 3339 moment in the reader's own time zone. */
export const formatMoment = (moment: string): string => MOMENT.format(new Date(moment))

/** An RFC 3339 moment to the second, in the reader's own time zone. */
export const formatSecond = (moment: string): string => SECOND.format(new Date(moment))

/** A cell in words, by the type and unit that its column declares. */
export function formatCell(value: unknown, column: ColumnFormat): string {
  if (value === null || value === undefined || value === '') return NOTHING
  if (typeof value !== 'number') return String(value)
  if (column.unit === 'USD') return formatMoney(value)
  if (column.unit === '%') return formatPercent(value)
  if (column.unit === 'days') return `${DECIMAL.format(value)} days`
  return isWhole(column.type) ? formatCount(value) : DECIMAL.format(value)
}

/** True for columns that are set right-aligned and sorted largest first. */
export function isNumeric(column: ColumnFormat): boolean {
  return isWhole(column.type) || /^(DOUBLE|DECIMAL|FLOAT)/.test(column.type)
}

function isWhole(type: string): boolean {
  return /^(BIGINT|INT|SMALLINT)/.test(type)
}
