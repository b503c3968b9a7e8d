import { usePriceWars } from '@/features/market-intel/api/prices'
import { AnswerTable } from '@/features/market-intel/components/answer-table'
import { usePages } from '@/lib/use-pages'

/** The price wars, latest first. */
export function PriceWars({ competitor }: { competitor: string }) {
  const { token, pages } = usePages(competitor)
  const asked = usePriceWars(competitor, token)
  return (
    <AnswerTable
      label="Price wars"
      answer={asked.data}
      keys={['category_id', 'competitor', 'starts_on']}
      asked={asked}
      empty="No price war was found. It takes prices observed over time: with few observations none can be seen."
      pages={pages(asked.data)}
    />
  )
}
