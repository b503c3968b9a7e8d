import { keepPreviousData, useQuery } from '@tanstack/react-query'
import type { components, paths } from '@/api/schema'
import { given, MOST_ROWS, pathOf, type QueryOf } from '@/features/market-intel/api/question'
import { answer } from '@/lib/api'
import { usePlatform } from '@/lib/context'

export type Trends = components['schemas']['market_intel.v1.ListTrendsResponse']
export type TrendDirection = components['schemas']['market_intel.v1.TrendDirection']
export type TrendRow = Trends['items'][number]
type Insights = paths['/api/v1/analytics/{system}/insights']['get']['responses']['200']['content']['application/json']
type Dashboard = paths['/api/v1/dashboards/{name}']['get']['responses']['200']['content']['application/json']
export type Tile = Dashboard['systems'][number]['tiles'][number]
export type Insight = Insights['items'][number]

export interface TrendsView {
  metric: string
  frequency: string
  region: string
  from: string
}

const PATH = '/api/v1/market-intelligence/trends'
const SYSTEM = 'market_intel'

/** A metric by period, with its growth and what is out of line. */
export function useTrends(view: TrendsView, enabled = true) {
  const { api } = usePlatform()
  return useQuery({
    queryKey: ['market-intel', 'trends', view],
    enabled,
    placeholderData: keepPreviousData,
    queryFn: ({ signal }): Promise<Trends> => answer(api.GET(PATH, { params: { query: given<QueryOf<typeof PATH>>({ ...view, page_size: MOST_ROWS }) }, signal })),
  })
}

export const trendsPath = (view: TrendsView): string => pathOf(PATH, { ...view, page_size: MOST_ROWS })

/** The figures that the executive dashboard has of this system. */
export function useTiles() {
  const { api } = usePlatform()
  return useQuery({
    queryKey: ['dashboard', 'executive'],
    queryFn: ({ signal }) => answer(api.GET('/api/v1/dashboards/{name}', { params: { path: { name: 'executive' } }, signal })),
    select: ({ systems }): Tile[] => systems.find(({ system }) => system === SYSTEM)?.tiles ?? [],
  })
}

/** What changed that somebody should know, best first. */
export function useInsights() {
  const { api } = usePlatform()
  return useQuery({
    queryKey: ['market-intel', 'insights'],
    queryFn: ({ signal }) => answer(api.GET('/api/v1/analytics/{system}/insights', { params: { path: { system: SYSTEM } }, signal })),
    select: ({ items }): Insight[] => items,
  })
}
