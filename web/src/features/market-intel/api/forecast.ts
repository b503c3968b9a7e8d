import { keepPreviousData, useMutation, useQuery } from '@tanstack/react-query'
import type { components } from '@/api/schema'
import { answer } from '@/lib/api'
import { usePlatform } from '@/lib/context'

type Schemas = components['schemas']
export type ForecastAsk = Schemas['market_intel.v1.ForecastAsk.Input']
export type ForecastAnswer = Schemas['market_intel.v1.ForecastResponse']
export type ForecastPoint = Schemas['market_intel.v1.ForecastPoint']
export type ForecastChoice = Schemas['market_intel.v1.ForecastChoice']
export type ForecastComponent = Schemas['market_intel.v1.ForecastComponent']
export type ForecastFigures = Schemas['market_intel.v1.ForecastFigures']
export type CompareAnswer = Schemas['market_intel.v1.CompareModelsResponse']
export type ModelScore = Schemas['market_intel.v1.ModelScore']

const PAGE_SIZE = 100

/** Asks for a forecast: its answer, or the operation that will have it. */
export function useAskForecast() {
  const { api } = usePlatform()
  return useMutation({ mutationFn: (ask: ForecastAsk): Promise<ForecastAnswer> => answer(api.POST('/api/v1/market-intelligence/forecast', { body: ask })) })
}

/** Asks for a league table of the models: its answer, or the operation that will have it. */
export function useCompareModels() {
  const { api } = usePlatform()
  return useMutation({ mutationFn: (ask: ForecastAsk): Promise<CompareAnswer> => answer(api.POST('/api/v1/market-intelligence/compare-models', { body: ask })) })
}

/** A page of the rows of a forecast that was kept, being too long for one answer. */
export function useKeptForecast(id: string, token: string) {
  const { api } = usePlatform()
  return useQuery({
    queryKey: ['market-intel', 'kept', id, token],
    placeholderData: keepPreviousData,
    queryFn: ({ signal }) =>
      answer(
        api.GET('/api/v1/market-intelligence/forecasts/{forecast_id}', {
          params: { path: { forecast_id: id }, query: { page_size: PAGE_SIZE, ...(token && { page_token: token }) } },
          signal,
        }),
      ),
  })
}

/** The path of all rows of a kept forecast, for saving them as a file. */
export const keptPath = (id: string): string => `/api/v1/market-intelligence/forecasts/${encodeURIComponent(id)}?page_size=1000`
