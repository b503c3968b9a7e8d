import type { ForecastAsk } from '@/features/market-intel/api/forecast'
import type { SeriesPoint } from '@/features/market-intel/series-csv'

/** What somebody has put into the form, as its fields hold it; all but the series is kept in the URL. */
export interface Draft extends Record<string, string> {
  source: string
  metric: string
  category: string
  product: string
  region: string
  channel: string
  country: string
  frequency: string
  horizon: string
  model: string
  effort: string
  gaps: string
  holidays: string
  /** `yes`: the answer tells what the forecast is made up of. */
  explain: string
}

export const FIRST_DRAFT: Draft = {
  source: 'shop',
  metric: 'revenue',
  category: '',
  product: '',
  region: '',
  channel: '',
  country: '',
  frequency: 'day',
  horizon: '28',
  model: 'auto',
  effort: '',
  gaps: 'zero',
  holidays: '',
  explain: 'yes',
}

const FILTERS = ['category', 'product', 'region', 'channel', 'country'] as const
const MOST_PERIODS: Record<string, number> = { day: 365, week: 104, month: 36 }
const NAMES: Record<string, string> = { day: 'days', week: 'weeks', month: 'months' }

/** Periods in words, such as `days`. */
export const periodsOf = (frequency: string): string => NAMES[frequency] ?? 'periods'

/** What is wrong with the horizon; undefined where nothing is. */
export function horizonProblem({ horizon, frequency }: Draft): string | undefined {
  const most = MOST_PERIODS[frequency] ?? 365
  const periods = Number(horizon)
  return Number.isInteger(periods) && periods >= 1 && periods <= most ? undefined : `A whole number from 1 to ${most} ${periodsOf(frequency)}.`
}

/** The body of the question; the series take the metric's place. What has a default may be left out, which its generated type does not know. */
export function askOf(draft: Draft, series: readonly SeriesPoint[]): ForecastAsk {
  const filters = Object.fromEntries(FILTERS.filter((name) => draft[name]).map((name) => [name, draft[name]]))
  const subject: Partial<ForecastAsk> =
    draft.source === 'series'
      ? { series: [...series], gaps: draft.gaps as 'zero' | 'unknown' }
      : { metric: draft.metric as 'revenue', ...(Object.keys(filters).length > 0 && { filters }) }
  return {
    ...subject,
    horizon: Number(draft.horizon),
    frequency: draft.frequency as 'day',
    model: draft.model as 'auto',
    ...(draft.effort && { effort: draft.effort as 'full' }),
    ...(draft.holidays && { country: draft.holidays }),
    ...(draft.explain === 'yes' && { components: true }),
  } as ForecastAsk
}

/** Where the form asks for what the pipeline forecasts: the same series, metric and periods. */
export function askPath({ metric, frequency, level, series_id }: { metric: string; frequency: string; level: string; series_id: string }): string {
  const draft: Partial<Draft> = { metric, frequency, ...(level !== 'total' && { [level]: series_id }) }
  const said = Object.entries(draft).filter(([name, value]) => value !== undefined && value !== FIRST_DRAFT[name])
  const query = new URLSearchParams(said as [string, string][]).toString()
  return `/market-intelligence/ask${query && `?${query}`}`
}
