import { keepPreviousData, useQuery } from '@tanstack/react-query'
import type { components } from '@/api/schema'
import { given, MOST_ROWS, pathOf, type QueryOf } from '@/features/market-intel/api/question'
import { answer } from '@/lib/api'
import { usePlatform } from '@/lib/context'

export type StoredForecasts = components['schemas']['market_intel.v1.ListForecastsResponse']

/** Which forecast of the pipeline's. */
export interface Stored {
  metric: string
  frequency: string
  level: string
  series_id: string
}

/** A model tried on the series, as `market_intel.forecast_backtests` has it. */
export interface Tried {
  model: string
  chosen: boolean
  why: string | null
  intervals: string | null
  rmse: number | null
  mae: number | null
  mape: number | null
  smape: number | null
  mase: number | null
  r2: number | null
  bias_pct: number | null
  coverage_80_pct: number | null
  coverage_95_pct: number | null
}

const PATH = '/api/v1/market-intelligence/forecasts'

/** What the pipeline forecasts of a series. */
export function useStoredForecast(stored: Stored) {
  const { api } = usePlatform()
  return useQuery({
    queryKey: ['market-intel', 'stored', stored],
    enabled: stored.series_id !== '',
    placeholderData: keepPreviousData,
    queryFn: ({ signal }): Promise<StoredForecasts> => answer(api.GET(PATH, { params: { query: given<QueryOf<typeof PATH>>({ ...stored, page_size: MOST_ROWS }) }, signal })),
  })
}

export const storedPath = (stored: Stored): string => pathOf(PATH, { ...stored, page_size: MOST_ROWS })

/** The series that the pipeline forecasts at a level, by name. */
export function useSeriesIds({ level, metric, frequency }: Omit<Stored, 'series_id'>) {
  const { api } = usePlatform()
  return useQuery({
    queryKey: ['market-intel', 'series', level, metric, frequency],
    enabled: level !== 'total',
    queryFn: async ({ signal }) => {
      const filters = [`metric = ${metric}`, `frequency = ${frequency}`, `level = ${level}`]
      const query = { table: 'forecasts', filters, group_by: ['series_id'], order_by: ['series_id'], page_size: MOST_ROWS }
      const found = await answer(api.GET('/api/v1/analytics/{system}/query', { params: { path: { system: 'market_intel' }, query }, signal }))
      return (found.items as { series_id: string }[]).map(({ series_id }) => series_id)
    },
  })
}

/** The models that were tried on a series. */
export function useTried({ metric, frequency, level, series_id }: Stored) {
  const { api } = usePlatform()
  return useQuery({
    queryKey: ['market-intel', 'tried', metric, frequency, level, series_id],
    enabled: series_id !== '',
    queryFn: async ({ signal }) => {
      const filters = [`metric = ${metric}`, `frequency = ${frequency}`, `level = ${level}`, `series_id = ${series_id}`]
      const query = { table: 'forecast_backtests', filters, page_size: 50 }
      const found = await answer(api.GET('/api/v1/analytics/{system}/query', { params: { path: { system: 'market_intel' }, query }, signal }))
      return found.items as unknown as Tried[]
    },
  })
}
