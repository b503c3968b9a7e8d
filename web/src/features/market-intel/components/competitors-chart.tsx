import { useTheme } from '@mui/material/styles'
import useMediaQuery from '@mui/material/useMediaQuery'
import { useMemo } from 'react'
import type { CompetitorPosition, Prices } from '@/features/market-intel/api/prices'
import { percent } from '@/features/market-intel/backtest-figures'
import { type Bar, barsHeight, barsOption } from '@/features/market-intel/charts/bars-option'
import { useChartColors } from '@/features/market-intel/charts/style'
import { ChartCard } from '@/features/market-intel/components/chart-card'
import { formatChange, formatFigure } from '@/features/market-intel/words'
import { formatCount } from '@/lib/format'

/** How much dearer or cheaper we are than each competitor, over the products both sell. */
export function CompetitorsChart({ answer }: { answer: Prices }) {
  const colors = useChartColors()
  const narrow = useMediaQuery(useTheme().breakpoints.down('sm'))
  const competitors = useMemo(() => answer.competitors ?? [], [answer.competitors])
  const option = useMemo(() => barsOption(competitorBars(competitors), '%', colors, narrow), [competitors, colors, narrow])
  if (competitors.length === 0) return null
  const overall = typeof answer.price_index === 'number' ? `Over all of them our price index is ${formatFigure(answer.price_index, '')}.` : ''
  const note = [overall, answer.not_convertible ? `${formatCount(answer.not_convertible)} prices were left out: no exchange rate leads to our currency.` : ''].filter(Boolean).join(' ')
  return (
    <ChartCard
      title="Our prices against each competitor's"
      label={`Bar chart of ${competitors.length} competitors. ${overall}`}
      option={option}
      height={barsHeight(competitors.length)}
      keys={[
        { color: colors.main, text: 'We are dearer' },
        { color: colors.other, text: 'We are cheaper' },
      ]}
      note={note || undefined}
      numbers={{
        header: ['Competitor', 'Our price against theirs', 'Price index', 'They are cheaper on', 'Products'],
        rows: competitors.map(({ competitor, price_index, undercuts_pct, products }) => [competitor ?? '', formatChange((price_index ?? 100) - 100, '%'), formatFigure(price_index, ''), percent(undercuts_pct), formatCount(products ?? 0)]),
      }}
    />
  )
}

/** The competitors as bars: to the right we are dearer. */
export function competitorBars(competitors: readonly CompetitorPosition[]): Bar[] {
  return competitors
    .map(({ competitor, price_index, undercuts_pct }) => ({ title: competitor ?? '', value: Math.round(((price_index ?? 100) - 100) * 100) / 100, told: [`They are cheaper on ${percent(undercuts_pct)} of the products`] }))
    .sort((one, other) => other.value - one.value)
}
