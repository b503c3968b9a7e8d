import Stack from '@mui/material/Stack'
import Typography from '@mui/material/Typography'
import { useMemo } from 'react'
import { LineageLine } from '@/components/lineage-line'
import { type Concentration, type Slice, useConcentration } from '@/features/market-intel/api/revenue'
import { concentrationOption, type Share } from '@/features/market-intel/charts/concentration-option'
import { useChartColors } from '@/features/market-intel/charts/style'
import { Answered } from '@/features/market-intel/components/answered'
import { ChartCard } from '@/features/market-intel/components/chart-card'
import { Choice } from '@/features/market-intel/components/choice'
import { Currencies } from '@/features/market-intel/components/currencies'
import { Figures } from '@/components/figures'
import { Section } from '@/features/market-intel/components/section'
import { Toolbar } from '@/features/market-intel/components/toolbar'
import { useAnswered } from '@/features/market-intel/use-answered'
import { useView } from '@/features/market-intel/view'
import { capitalised, currencyOf, formatFigure } from '@/features/market-intel/words'
import { formatCount, formatDay, formatPercent, formatRatio } from '@/lib/format'

const NAMES: Record<string, string> = { customer: 'customers', product: 'products', brand: 'brands', category: 'categories', department: 'departments', region: 'regions', country: 'countries', channel: 'channels' }
const DIMENSIONS = Object.entries(NAMES).map(([value, title]) => ({ value, title: capitalised(title) }))
/** Known of the last 90 days only, so other days are refused. */
const LATEST_ONLY = new Set(['product', 'brand'])
const FIRST_VIEW = { spread: 'customer' }

/** How much of the revenue a few bring: figures and the curve. */
export function ConcentrationSection({ slice, onReset }: { slice: Slice; onReset: () => void }) {
  const [view, change] = useView(FIRST_VIEW)
  const asked = useConcentration({ ...slice, ...(LATEST_ONLY.has(view.spread) && { from: '', to: '' }), by: view.spread })
  const { spread } = useAnswered({ spread: view.spread }, asked.isPlaceholderData)
  return (
    <Section title="Concentration" detail="How much of the revenue the largest few bring.">
      <Toolbar label="What revenue is spread over">
        <Choice label="Spread over" value={view.spread} options={DIMENSIONS} onChange={(spread) => change({ spread })} />
      </Toolbar>
      <Answered asked={asked} what="the concentration" height={420} isEmpty={({ members }) => !members} empty="No revenue in this part of the business and this time." onReset={onReset}>
        {(answer) => <Curve answer={answer} what={NAMES[spread] ?? spread} />}
      </Answered>
    </Section>
  )
}

function Curve({ answer, what }: { answer: Concentration; what: string }) {
  const colors = useChartColors()
  const points = useMemo(() => curveOf(answer), [answer])
  const option = useMemo(() => concentrationOption(points, what, colors), [points, what, colors])
  return (
    <Stack spacing={2}>
      <Currencies codes={answer.currencies ?? []} />
      {answer.from && answer.to && (
        <Typography variant="body2" color="textSecondary">
          {formatFigure(answer.revenue, currencyOf(answer.currencies ?? []))} from {formatDay(answer.from)} to {formatDay(answer.to)}.
        </Typography>
      )}
      <Figures
        label="Concentration"
        figures={[
          { title: `Revenue of the largest 20 % of ${what}`, value: formatPercent(answer.top_20_revenue_pct ?? 0) },
          { title: `${capitalised(what)} that bring 80 %`, value: formatCount(answer.members_for_80_pct ?? 0), note: `${formatPercent(answer.members_for_80_pct_share ?? 0)} of ${formatCount(answer.members ?? 0)}` },
          { title: 'Gini', value: formatRatio(answer.gini ?? 0), note: '0: all bring alike, 1: one brings all' },
          { title: 'Herfindahl–Hirschman', value: formatFigure(Math.round(answer.hhi ?? 0), ''), note: 'Of 10,000' },
        ]}
      />
      <ChartCard
        title="The curve"
        label={`Concentration curve: the largest 20 % of ${what} bring ${formatPercent(answer.top_20_revenue_pct ?? 0)} of the revenue.`}
        option={option}
        height={300}
        keys={[
          { color: colors.main, text: 'Share of revenue' },
          { color: colors.quiet, text: 'If all brought alike' },
        ]}
        numbers={{ header: [`Largest of the ${what}`, 'Share of revenue'], rows: points.map(({ items_pct, revenue_pct }) => [formatPercent(items_pct), formatPercent(revenue_pct)]) }}
      />
      {answer.lineage && <LineageLine lineage={answer.lineage} />}
    </Stack>
  )
}

/** The curve from nought on. */
export function curveOf({ lorenz = [] }: Concentration): Share[] {
  const points = lorenz.map(({ members_pct, revenue_pct }) => ({ items_pct: members_pct ?? 0, revenue_pct: revenue_pct ?? 0 }))
  return points[0]?.items_pct === 0 ? points : [{ items_pct: 0, revenue_pct: 0 }, ...points]
}
