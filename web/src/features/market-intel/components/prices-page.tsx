import Stack from '@mui/material/Stack'
import { ExportMenu } from '@/components/export-menu'
import { LineageLine } from '@/components/lineage-line'
import { PageHeader } from '@/components/page-header'
import { type Prices, pricesPath, usePrices } from '@/features/market-intel/api/prices'
import { AnswerTable } from '@/features/market-intel/components/answer-table'
import { Answered, Degraded } from '@/features/market-intel/components/answered'
import { Choice } from '@/features/market-intel/components/choice'
import { CompetitorsChart } from '@/features/market-intel/components/competitors-chart'
import { PriceWars } from '@/features/market-intel/components/price-wars'
import { Section } from '@/features/market-intel/components/section'
import { Toolbar } from '@/features/market-intel/components/toolbar'
import { sortingOf, sortOf } from '@/features/market-intel/sort'
import { useView } from '@/features/market-intel/view'
import { fileNameOf } from '@/lib/file-name'
import { usePages } from '@/lib/use-pages'

const GROUPS = [
  { value: 'product', title: 'Products' },
  { value: 'category', title: 'Categories' },
]
const FIRST_VIEW = { group_by: 'category', competitor: '', category: '', sort: '-gap_pct' }

/** Our prices against competitors': how far apart, where, and where a price war goes on. */
export function PricesPage() {
  const [view, change] = useView(FIRST_VIEW)
  const { token, pages } = usePages(JSON.stringify(view))
  const asked = usePrices(view, token)
  return (
    <Stack spacing={4}>
      <PageHeader title="Prices" detail="Our prices against competitors' latest. The index is our price in percent of theirs: above 100 we are dearer." />
      <Toolbar label="Which prices" end={<ExportMenu path={pricesPath(view)} name={fileNameOf('prices', `by-${view.group_by}`, view.competitor)} disabled={!asked.data?.items.length} />}>
        <Choice label="Compared by" value={view.group_by} options={GROUPS} onChange={(group_by) => change({ group_by, sort: FIRST_VIEW.sort })} />
        <Choice label="Competitor" value={view.competitor} options={[{ value: '', title: 'All' }, ...competitorsOf(asked.data)]} onChange={(competitor) => change({ competitor })} />
      </Toolbar>
      <Answered asked={asked} what="the prices" height={480} isEmpty={({ items }) => items.length === 0} empty="No competitor's price is known for these products." onReset={() => change(FIRST_VIEW)}>
        {(answer) => (
          <Stack spacing={2}>
            <Degraded lineage={answer.lineage} />
            <CompetitorsChart answer={answer} />
            <AnswerTable
              label={view.group_by === 'product' ? 'Prices by product' : 'Prices by category'}
              answer={answer}
              keys={view.group_by === 'product' ? ['product_id', 'competitor'] : ['category_id', 'competitor']}
              hidden={view.group_by === 'product' ? ['price_seen', 'price_currency_code'] : []}
              asked={asked}
              empty=""
              sorting={sortingOf(view.sort)}
              onSort={(sorting) => change({ sort: sortOf(sorting) })}
              pages={pages(answer)}
            />
            {answer.lineage && <LineageLine lineage={answer.lineage} />}
          </Stack>
        )}
      </Answered>
      <Section title="Price wars" detail="Stretches in which a competitor's prices in a category fell well below what they had been.">
        <PriceWars competitor={view.competitor} />
      </Section>
    </Stack>
  )
}

function competitorsOf(answer: Prices | undefined) {
  return (answer?.competitors ?? []).map(({ competitor }) => ({ value: competitor ?? '', title: competitor ?? '' }))
}
