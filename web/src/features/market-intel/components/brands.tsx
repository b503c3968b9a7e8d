import { useBrands } from '@/features/market-intel/api/products'
import { AnswerTable } from '@/features/market-intel/components/answer-table'
import { usePages } from '@/lib/use-pages'

/** The brands, largest sales first. */
export function Brands({ region }: { region: string }) {
  const { token, pages } = usePages(region)
  const asked = useBrands(region, token)
  return <AnswerTable label="Brands" answer={asked.data} keys={['brand', 'category_id']} hidden={['region', 'category_id', 'category_name', 'category_growth_pct', 'sales_before']} asked={asked} empty="No brand is known of the products that were sold." pages={pages(asked.data)} />
}
