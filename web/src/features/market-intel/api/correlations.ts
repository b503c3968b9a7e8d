import { keepPreviousData, useQuery } from '@tanstack/react-query'
import type { components } from '@/api/schema'
import { given, MOST_ROWS, pathOf, type QueryOf } from '@/features/market-intel/api/question'
import { answer } from '@/lib/api'
import { usePlatform } from '@/lib/context'

export type Correlations = components['schemas']['market_intel.v1.ListCorrelationsResponse']

/** Between the values of which dimensions, over which periods. */
export interface CorrelationsView {
  by: readonly string[]
  grain: string
  from: string
  to: string
  currency: string
}

/** A pair of values whose revenue was compared. */
export interface Pair {
  value_a: string
  value_a_name: string
  value_b: string
  value_b_name: string
  pearson: number | null
  spearman: number | null
  p_value: number | null
  is_significant: boolean | null
}

const PATH = '/api/v1/market-intelligence/revenue/correlations'

/** Which parts of the business move together. */
export function useCorrelations(view: CorrelationsView) {
  const { api } = usePlatform()
  return useQuery({
    queryKey: ['market-intel', 'correlations', view],
    placeholderData: keepPreviousData,
    queryFn: ({ signal }): Promise<Correlations> => answer(api.GET(PATH, { params: { query: given<QueryOf<typeof PATH>>({ ...view, page_size: MOST_ROWS }) }, signal })),
  })
}

export const correlationsPath = (view: CorrelationsView): string => pathOf(PATH, { ...view, page_size: MOST_ROWS })
