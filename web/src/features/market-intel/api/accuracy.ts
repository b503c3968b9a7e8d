import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { MOST_ROWS, pathOf } from '@/features/market-intel/api/question'
import type { Stored } from '@/features/market-intel/api/stored'
import { answer } from '@/lib/api'
import { usePlatform } from '@/lib/context'

/** Forecasts of one distance that had the same luck, added up. */
export interface Outcomes {
  horizon: number
  within_80: boolean | null
  within_95: boolean | null
  rows: number
  scaled_error: number | null
  error: number | null
  actual: number | null
}

/** A forecast whose period is over. */
export interface Outcome {
  ds: string
  made_on: string
  median: number
  lower_80: number
  upper_80: number
  actual: number
}

const PATH = '/api/v1/analytics/{system}/query'
const SYSTEM = { system: 'market_intel' }
/** Any outcome meets it; one that is not known yet meets nothing. */
const KNOWN = 'actual > -1e300'

function filtersOf({ metric, frequency, level, series_id }: Stored): string[] {
  return [`metric = ${metric}`, `frequency = ${frequency}`, `level = ${level}`, `series_id = ${series_id}`, 'published = true', KNOWN]
}

/** How the published forecasts of a series did, by how far ahead they were made. */
export function useOutcomes(stored: Stored) {
  const { api } = usePlatform()
  return useQuery({
    queryKey: ['market-intel', 'outcomes', stored],
    enabled: stored.series_id !== '',
    queryFn: async ({ signal }) => {
      const query = { table: 'forecast_accuracy', filters: filtersOf(stored), group_by: ['horizon', 'within_80', 'within_95'], columns: ['scaled_error', 'error', 'actual'], page_size: MOST_ROWS }
      const found = await answer(api.GET(PATH, { params: { path: SYSTEM, query }, signal }))
      return found.items as unknown as Outcomes[]
    },
  })
}

/** The published forecasts of a series that were made so far ahead, oldest first. */
export function useOutcomesAhead(stored: Stored, horizon: number | undefined) {
  const { api } = usePlatform()
  return useQuery({
    queryKey: ['market-intel', 'outcomes-ahead', stored, horizon],
    enabled: stored.series_id !== '' && horizon !== undefined,
    placeholderData: keepPreviousData,
    queryFn: async ({ signal }) => {
      const query = { table: 'forecast_accuracy', filters: [...filtersOf(stored), `horizon = ${horizon}`], order_by: ['-ds'], page_size: MOST_ROWS }
      const found = await answer(api.GET(PATH, { params: { path: SYSTEM, query }, signal }))
      return (found.items as unknown as Outcome[]).toReversed()
    },
  })
}

/** The path of all forecasts of a series whose periods are over, for saving them as a file. */
export const outcomesPath = (stored: Stored): string => pathOf(PATH.replace('{system}', SYSTEM.system), { table: 'forecast_accuracy', filters: filtersOf(stored), order_by: ['-ds'], page_size: MOST_ROWS })
