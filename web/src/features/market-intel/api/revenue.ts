import { keepPreviousData, useQuery } from '@tanstack/react-query'
import type { components } from '@/api/schema'
import { given, MOST_ROWS, pathOf, type QueryOf } from '@/features/market-intel/api/question'
import { answer } from '@/lib/api'
import { usePlatform } from '@/lib/context'

type Schemas = components['schemas']
export type Revenue = Schemas['market_intel.v1.ListRevenueResponse']
export type Margins = Schemas['market_intel.v1.ListMarginsResponse']
export type Concentration = Schemas['market_intel.v1.GetConcentrationResponse']

/** Which revenue: of which days, channel, region and country. */
export interface Slice {
  from: string
  to: string
  channel: string
  region: string
  country: string
  currency: string
}

export interface RevenueView extends Slice {
  grain: string
  by: readonly string[]
  category?: string
}

export interface MarginsView extends Slice {
  grain: string
  by: string
}

const REVENUE = '/api/v1/market-intelligence/revenue'
const CONCENTRATION = '/api/v1/market-intelligence/revenue/concentration'
const MARGINS = '/api/v1/market-intelligence/revenue/margins'

/** Revenue by period and up to two dimensions. */
export function useRevenue(view: RevenueView, enabled = true) {
  const { api } = usePlatform()
  return useQuery({
    queryKey: ['market-intel', 'revenue', view],
    enabled,
    placeholderData: keepPreviousData,
    queryFn: ({ signal }): Promise<Revenue> => answer(api.GET(REVENUE, { params: { query: given<QueryOf<typeof REVENUE>>({ ...view, page_size: MOST_ROWS }) }, signal })),
  })
}

export const revenuePath = (view: RevenueView): string => pathOf(REVENUE, { ...view, page_size: MOST_ROWS })

/** What is left of sales after their costs. */
export function useMargins(view: MarginsView) {
  const { api } = usePlatform()
  return useQuery({
    queryKey: ['market-intel', 'margins', view],
    placeholderData: keepPreviousData,
    queryFn: ({ signal }): Promise<Margins> => answer(api.GET(MARGINS, { params: { query: given<QueryOf<typeof MARGINS>>({ ...view, page_size: MOST_ROWS }) }, signal })),
  })
}

export const marginsPath = (view: MarginsView): string => pathOf(MARGINS, { ...view, page_size: MOST_ROWS })

/** How concentrated the revenue is over customers, products or another dimension. */
export function useConcentration(view: Slice & { by: string }) {
  const { api } = usePlatform()
  return useQuery({
    queryKey: ['market-intel', 'concentration', view],
    placeholderData: keepPreviousData,
    queryFn: ({ signal }): Promise<Concentration> => answer(api.GET(CONCENTRATION, { params: { query: given<QueryOf<typeof CONCENTRATION>>({ ...view }) }, signal })),
  })
}
