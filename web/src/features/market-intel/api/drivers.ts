import { keepPreviousData, useQuery } from '@tanstack/react-query'
import type { components } from '@/api/schema'
import { given, type QueryOf } from '@/features/market-intel/api/question'
import { answer } from '@/lib/api'
import { usePlatform } from '@/lib/context'

type Schemas = components['schemas']
export type Drivers = Schemas['market_intel.v1.GetDriversResponse']
export type Effect = Schemas['market_intel.v1.Effect']
export type SegmentEffect = Schemas['market_intel.v1.SegmentEffect']

/** Two periods and what is compared; empty days are the server's to choose. */
export interface DriversView {
  metric: string
  from: string
  to: string
  before_from: string
  before_to: string
  channel: string
  region: string
  country: string
  currency: string
}

const PATH = '/api/v1/market-intelligence/drivers'

/** Why a metric changed from one period to another. */
export function useDrivers(view: DriversView) {
  const { api } = usePlatform()
  return useQuery({
    queryKey: ['market-intel', 'drivers', view],
    placeholderData: keepPreviousData,
    queryFn: ({ signal }): Promise<Drivers> => answer(api.GET(PATH, { params: { query: given<QueryOf<typeof PATH>>({ ...view }) }, signal })),
  })
}
