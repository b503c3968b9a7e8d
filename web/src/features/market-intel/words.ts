import { formatCount, formatDay, formatPercent } from '@/lib/format'

/** One value of a choice and what it is called. */
export interface Option {
  value: string
  title: string
}

export const METRICS: readonly Option[] = [
  { value: 'revenue', title: 'Revenue' },
  { value: 'orders', title: 'Orders' },
  { value: 'units', title: 'Units' },
]
export const FREQUENCIES: readonly Option[] = [
  { value: 'day', title: 'Daily' },
  { value: 'week', title: 'Weekly' },
  { value: 'month', title: 'Monthly' },
]
export const LEVELS: readonly Option[] = [
  { value: 'total', title: 'Whole business' },
  { value: 'region', title: 'Region' },
  { value: 'channel', title: 'Channel' },
  { value: 'category', title: 'Department' },
  { value: 'product', title: 'Product' },
]
export const MODELS: readonly Option[] = [
  { value: 'auto', title: 'Automatic choice' },
  { value: 'seasonal_naive', title: 'Seasonal naive' },
  { value: 'moving_average', title: 'Moving average' },
  { value: 'arima', title: 'ARIMA' },
  { value: 'ets', title: 'Exponential smoothing (ETS)' },
  { value: 'theta', title: 'Theta' },
  { value: 'prophet', title: 'Prophet' },
  { value: 'lstm', title: 'LSTM' },
  { value: 'gbm', title: 'Gradient boosting' },
  { value: 'ensemble', title: 'Ensemble' },
  { value: 'intermittent', title: 'Intermittent demand (Croston)' },
  { value: 'regression', title: 'Linear regression' },
  { value: 'pretrained', title: 'Pretrained model' },
]

/** What a value of a choice is called; one that this page has not heard of is shown with its underscores as spaces. */
export function titleOf(options: readonly Option[], value: string): string {
  return options.find((option) => option.value === value)?.title ?? capitalised(value)
}

export function capitalised(text: string): string {
  const words = text.replaceAll('_', ' ')
  return words.charAt(0).toUpperCase() + words.slice(1)
}

/** The unit of a metric; orders and units are counts. */
export const unitOf = (metric: string): string => (metric === 'revenue' || metric === 'aov' ? 'USD' : '')

const MONTH = new Intl.DateTimeFormat('en-US', { month: 'short', year: 'numeric', timeZone: 'UTC' })
const HOUR = new Intl.DateTimeFormat('en-US', { dateStyle: 'medium', timeStyle: 'short', timeZone: 'UTC' })

/** The period that begins at `ds`, in words. */
export function formatPeriod(ds: string, frequency: string): string {
  const day = ds.slice(0, 10)
  if (!/^\d{4}-\d{2}-\d{2}$/.test(day)) return ds
  if (frequency === 'month') return MONTH.format(new Date(`${day}T00:00:00Z`))
  if (frequency === 'hour' && ds.length > 10) return HOUR.format(new Date(ds))
  return frequency === 'week' ? `Week of ${formatDay(day)}` : formatDay(day)
}

const SHORT_DAY = new Intl.DateTimeFormat('en-US', { month: 'short', day: 'numeric', timeZone: 'UTC' })
const SHORT_MONTH = new Intl.DateTimeFormat('en-US', { month: 'short', timeZone: 'UTC' })

/** The same for an axis: short, on two lines, so that labels seldom meet. */
export function formatTick(ds: string, frequency: string): string {
  const day = ds.slice(0, 10)
  if (!/^\d{4}-\d{2}-\d{2}$/.test(day)) return ds
  const at = new Date(`${day}T00:00:00Z`)
  if (frequency === 'month') return `${SHORT_MONTH.format(at)}\n${day.slice(0, 4)}`
  return `${SHORT_DAY.format(at)}\n${frequency === 'hour' && ds.length > 10 ? ds.slice(11, 16) : day.slice(0, 4)}`
}

const SMALL = new Intl.NumberFormat('en-US', { maximumSignificantDigits: 4 })
const COMPACT = new Intl.NumberFormat('en-US', { notation: 'compact', maximumFractionDigits: 1 })

const CURRENCY = /^[A-Z]{3}$/

/** Amounts of a currency; made once for each, since making one is slow. */
const money = new Map<string, { exact: Intl.NumberFormat; short: Intl.NumberFormat }>()

function amounts(currency: string) {
  const known = money.get(currency)
  if (known) return known
  const style = { style: 'currency', currency, signDisplay: 'negative' } as const
  const made = { exact: new Intl.NumberFormat('en-US', style), short: new Intl.NumberFormat('en-US', { ...style, notation: 'compact', maximumFractionDigits: 2 }) }
  money.set(currency, made)
  return made
}

/** The currency of a sum; none where several were added up. */
export const currencyOf = (codes: readonly string[]): string => (codes.length === 1 ? (codes[0] ?? '') : '')

/** A figure with its unit, exact to what a reader can use. The unit may be a currency, ISO 4217. */
export function formatFigure(value: number | null | undefined, unit: string): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return '–'
  if (CURRENCY.test(unit)) return amounts(unit).exact.format(value)
  if (unit === '%') return formatPercent(value)
  const text = Math.abs(value) >= 1000 || Number.isInteger(value) ? formatCount(value) : SMALL.format(value)
  return unit && unit !== 'mixed' ? `${text} ${unit}` : text
}

/** The same, short enough for an axis. */
export function formatShort(value: number, unit: string): string {
  if (CURRENCY.test(unit)) return amounts(unit).short.format(value)
  return unit === '%' ? formatPercent(value) : COMPACT.format(value)
}

/** Whether a figure is nought once it is rounded. */
const isNought = (text: string): boolean => !/[1-9]/.test(text)

/** A change with its sign, so that its direction is not told by colour alone. */
export function formatChange(value: number | null | undefined, unit: string): string {
  const text = formatFigure(value, unit)
  return value !== null && value !== undefined && value > 0 && !isNought(text) ? `+${text}` : text
}
