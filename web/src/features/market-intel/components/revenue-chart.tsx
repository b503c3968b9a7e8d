import { useTheme } from '@mui/material/styles'
import useMediaQuery from '@mui/material/useMediaQuery'
import { useMemo } from 'react'
import type { Revenue } from '@/features/market-intel/api/revenue'
import { barsHeight, barsOption } from '@/features/market-intel/charts/bars-option'
import { seriesColor, stackOf, stackOption } from '@/features/market-intel/charts/stack-option'
import { useChartColors } from '@/features/market-intel/charts/style'
import { ChartCard } from '@/features/market-intel/components/chart-card'
import { revenueBars, revenueCells, wholePeriods } from '@/features/market-intel/revenue-rows'
import { currencyOf, formatFigure, formatPeriod } from '@/features/market-intel/words'
import { formatPercent } from '@/lib/format'

const MOST_GROUPS = 8
const MOST_BARS = 15

interface RevenueChartProps {
  answer: Revenue
  by: readonly string[]
  grain: string
}

/** Revenue over time, a colour a group; over the whole of the time as bars. */
export function RevenueChart(props: RevenueChartProps) {
  return props.grain === 'all' ? <Ranked {...props} /> : <OverTime {...props} />
}

function OverTime({ answer, by, grain }: RevenueChartProps) {
  const colors = useChartColors()
  const unit = currencyOf(answer.currencies)
  const stack = useMemo(() => stackOf(revenueCells(isCut(answer) ? wholePeriods(answer.items) : answer.items, by), MOST_GROUPS), [answer, by])
  const option = useMemo(() => stackOption(stack, grain, unit, colors), [stack, grain, unit, colors])
  const rows = stack.periods.map((period, index) => [formatPeriod(period, grain), ...stack.groups.map(({ values }) => formatFigure(values[index], unit))])
  const titles = stack.groups.map(({ title }) => title)
  return (
    <ChartCard
      title="Revenue over time"
      label={`Bar chart of revenue in ${stack.periods.length} periods by ${titles.join(', ')}.`}
      option={option}
      height={320}
      keys={titles.map((text, index) => ({ text, color: seriesColor(colors, index) }))}
      numbers={{ header: ['Period', ...titles], rows }}
    />
  )
}

function Ranked({ answer, by }: RevenueChartProps) {
  const colors = useChartColors()
  const narrow = useMediaQuery(useTheme().breakpoints.down('sm'))
  const unit = currencyOf(answer.currencies)
  const total = answer.total ?? 0
  const { bars, rest } = useMemo(() => revenueBars(answer.items, by, MOST_BARS, total), [answer.items, by, total])
  const option = useMemo(() => barsOption(bars, unit, colors, narrow), [bars, unit, colors, narrow])
  return (
    <ChartCard
      title="Revenue, largest first"
      label={`Bar chart of revenue of ${bars.length} groups; the largest is ${bars[0]?.title ?? 'none'}.`}
      option={option}
      height={barsHeight(bars.length)}
      note={rest > 0 ? `All others together: ${formatFigure(rest, unit)}, ${formatPercent((100 * rest) / total)} of the revenue.` : undefined}
      numbers={{ header: ['Group', 'Revenue'], rows: bars.map(({ title, value }) => [title, formatFigure(value, unit)]) }}
    />
  )
}

/** Whether only the first of the rows are here. */
export const isCut = ({ items, total_size }: Revenue): boolean => (total_size ?? 0) > items.length
