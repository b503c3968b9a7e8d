import { keepPreviousData, useQuery } from '@tanstack/react-query'
import type { components } from '@/api/schema'
import { given, pathOf, type QueryOf } from '@/features/market-intel/api/question'
import { answer } from '@/lib/api'
import { usePlatform } from '@/lib/context'

type Schemas = components['schemas']
export type Products = Schemas['market_intel.v1.ListProductsResponse']
export type Brands = Schemas['market_intel.v1.ListBrandsResponse']

export interface ProductsView {
  sort: string
  at_risk: boolean
  name: string
  brand: string
  region: string
}

const PATH = '/api/v1/market-intelligence/products'
const BRANDS = '/api/v1/market-intelligence/products/brands'
const PAGE_SIZE = 25

/** A page of the products with what they did lately. */
export function useProducts(view: ProductsView, token: string) {
  const { api } = usePlatform()
  return useQuery({
    queryKey: ['market-intel', 'products', view, token],
    placeholderData: keepPreviousData,
    queryFn: ({ signal }): Promise<Products> => answer(api.GET(PATH, { params: { query: given<QueryOf<typeof PATH>>({ ...view, page_size: PAGE_SIZE, page_token: token }) }, signal })),
  })
}

export const productsPath = (view: ProductsView): string => pathOf(PATH, { ...view, page_size: 1000 })

/** A page of the brands, measured against their categories. */
export function useBrands(region: string, token: string) {
  const { api } = usePlatform()
  return useQuery({
    queryKey: ['market-intel', 'brands', region, token],
    placeholderData: keepPreviousData,
    queryFn: ({ signal }): Promise<Brands> =>
      answer(api.GET(BRANDS, { params: { query: given<QueryOf<typeof BRANDS>>({ region, page_size: PAGE_SIZE, page_token: token }) }, signal })),
  })
}

/** What a product sold in each month, oldest first: `ds`, `sales` and `units`. */
export function useProductMonths(product: string, enabled: boolean) {
  const { api } = usePlatform()
  return useQuery({
    queryKey: ['market-intel', 'product-months', product],
    enabled: enabled && product !== '',
    queryFn: async ({ signal }) => {
      const query = { table: 'sales_monthly', filters: [`product_id = ${product}`], group_by: ['ds'], columns: ['sales', 'units'], order_by: ['ds'], page_size: 1000 }
      return (await answer(api.GET('/api/v1/analytics/{system}/query', { params: { path: { system: 'market_intel' }, query }, signal }))).items
    },
  })
}
