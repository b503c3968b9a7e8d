import { useMemo } from 'react'
import type { ForecastComponent } from '@/features/market-intel/api/forecast'
import type { Ahead } from '@/features/market-intel/charts/forecast-option'
import { partsOption, sumsOf } from '@/features/market-intel/charts/parts-option'
import { seriesColor } from '@/features/market-intel/charts/stack-option'
import { useChartColors } from '@/features/market-intel/charts/style'
import { ChartCard } from '@/features/market-intel/components/chart-card'
import { partRange, partsOf } from '@/features/market-intel/parts'
import { formatFigure, formatPeriod } from '@/features/market-intel/words'

interface PartsChartProps {
  components: readonly ForecastComponent[]
  ahead: readonly Ahead[]
  frequency: string
  unit: string
}

/** More than this can not be told apart by colour. */
const MOST_PARTS = 8

/** What a forecast is made up of: its parts in each period, which add up to what is expected. */
export function PartsChart({ components, ahead, frequency, unit }: PartsChartProps) {
  const colors = useChartColors()
  const stack = useMemo(() => ({ periods: ahead.map(({ ds }) => ds), groups: partsOf(components, MOST_PARTS) }), [components, ahead])
  const option = useMemo(() => partsOption(stack, frequency, unit, colors), [stack, frequency, unit, colors])
  const sums = sumsOf(stack)
  const rows = stack.periods.map((period, index) => [formatPeriod(period, frequency), ...stack.groups.map(({ values }) => formatFigure(values[index], unit)), formatFigure(sums[index], unit)])
  const told = stack.groups.map((part) => partRange(part, unit))
  return (
    <ChartCard
      title="What it is made up of"
      label={`Bar chart of the parts that the forecast adds up from. ${told.join(' ')}`}
      option={option}
      height={300}
      keys={[...stack.groups.map(({ title }, index) => ({ text: title, color: seriesColor(colors, index) })), { text: 'Together', color: colors.text }]}
      note={told.join(' ')}
      numbers={{ header: ['Period', ...stack.groups.map(({ title }) => title), 'Together'], rows }}
    />
  )
}
