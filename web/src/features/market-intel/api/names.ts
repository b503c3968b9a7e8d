import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { useMemo } from 'react'
import { MOST_ROWS } from '@/features/market-intel/api/question'
import { answer } from '@/lib/api'
import { usePlatform } from '@/lib/context'

/** More would make too long an address. */
const MOST_NAMES = 300
const NONE: ReadonlyMap<string, string> = new Map()

/** What products are called, by id; those without a name are not in it. Empty until it is known. */
export function useProductNames(ids: readonly string[]): ReadonlyMap<string, string> {
  const { api } = usePlatform()
  // A name with a comma within would be two ids.
  const asked = ids.filter((id) => id !== '' && !id.includes(',')).slice(0, MOST_NAMES)
  const found = useQuery({
    queryKey: ['market-intel', 'product-names', asked],
    enabled: asked.length > 0,
    staleTime: Number.POSITIVE_INFINITY,
    queryFn: async ({ signal }) => {
      const query = { table: 'product_performance', filters: [`product_id in ${asked.join(',')}`], group_by: ['product_id', 'name'], page_size: MOST_ROWS }
      const { items } = await answer(api.GET('/api/v1/analytics/{system}/query', { params: { path: { system: 'market_intel' }, query }, signal }))
      return new Map((items as { product_id: string; name: string | null }[]).flatMap(({ product_id, name }) => (name ? [[product_id, name] as const] : [])))
    },
  })
  return found.data ?? NONE
}

const FEWEST_LETTERS = 2

/** Products to choose from, by id: those whose name has what is typed, best sellers first, and the one whose id it is. */
export function useProductChoices(typed: string): ReadonlyMap<string, string> {
  const { api } = usePlatform()
  const byId = useProductNames([typed])
  const found = useQuery({
    queryKey: ['market-intel', 'product-choices', typed],
    enabled: typed.length >= FEWEST_LETTERS,
    placeholderData: keepPreviousData,
    queryFn: async ({ signal }) => {
      const { items } = await answer(api.GET('/api/v1/market-intelligence/products', { params: { query: { name: typed, sort: '-sales', page_size: 20 } }, signal }))
      return new Map((items as { product_id: string; name: string | null }[]).map(({ product_id, name }) => [product_id, name ?? product_id]))
    },
  })
  return useMemo(() => new Map([...byId, ...(typed.length >= FEWEST_LETTERS ? (found.data ?? []) : [])]), [byId, found.data, typed])
}
