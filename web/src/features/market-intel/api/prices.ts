import { keepPreviousData, useQuery } from '@tanstack/react-query'
import type { components } from '@/api/schema'
import { given, pathOf, type QueryOf } from '@/features/market-intel/api/question'
import { answer } from '@/lib/api'
import { usePlatform } from '@/lib/context'

type Schemas = components['schemas']
export type Prices = Schemas['market_intel.v1.ListPricingResponse']
export type PriceWars = Schemas['market_intel.v1.ListPriceWarsResponse']
export type CompetitorPosition = Schemas['market_intel.v1.CompetitorPosition']

export interface PricesView {
  group_by: string
  competitor: string
  category: string
  sort: string
}

const PATH = '/api/v1/market-intelligence/pricing'
const WARS = '/api/v1/market-intelligence/pricing/wars'
const PAGE_SIZE = 25

/** A page of our prices against competitors'. */
export function usePrices(view: PricesView, token: string) {
  const { api } = usePlatform()
  return useQuery({
    queryKey: ['market-intel', 'prices', view, token],
    placeholderData: keepPreviousData,
    queryFn: ({ signal }): Promise<Prices> => answer(api.GET(PATH, { params: { query: given<QueryOf<typeof PATH>>({ ...view, page_size: PAGE_SIZE, page_token: token }) }, signal })),
  })
}

export const pricesPath = (view: PricesView): string => pathOf(PATH, { ...view, page_size: 1000 })

/** A page of the stretches in which a competitor's prices fell well below what they had been. */
export function usePriceWars(competitor: string, token: string) {
  const { api } = usePlatform()
  return useQuery({
    queryKey: ['market-intel', 'price-wars', competitor, token],
    placeholderData: keepPreviousData,
    queryFn: ({ signal }): Promise<PriceWars> =>
      answer(api.GET(WARS, { params: { query: given<QueryOf<typeof WARS>>({ competitor, page_size: PAGE_SIZE, page_token: token }) }, signal })),
  })
}
