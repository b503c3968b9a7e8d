import Stack from '@mui/material/Stack'
import { useMemo } from 'react'
import type { Trends } from '@/features/market-intel/api/trends'
import { useChartColors } from '@/features/market-intel/charts/style'
import { trendOption } from '@/features/market-intel/charts/trend-option'
import { ChartCard } from '@/features/market-intel/components/chart-card'
import { Figures } from '@/components/figures'
import { directionPhrase, trendNumbers, trendPoints } from '@/features/market-intel/trend-rows'
import { capitalised, formatChange, formatFigure, METRICS, titleOf } from '@/features/market-intel/words'

interface TrendChartProps {
  answer: Trends
  metric: string
  frequency: string
}

/** A trend as a chart, with its growth beside it. */
export function TrendChart({ answer, metric, frequency }: TrendChartProps) {
  const colors = useChartColors()
  const points = useMemo(() => trendPoints(answer.items), [answer.items])
  const unit = metric === 'revenue' || metric === 'aov' ? answer.unit : ''
  const option = useMemo(() => trendOption(points, frequency, unit, colors), [points, frequency, unit, colors])
  const last = points.at(-1)
  const anomalies = points.filter(({ anomaly }) => anomaly).length
  const direction = answer.direction && directionPhrase(answer.direction, frequency, unit)
  const keys = [
    { color: colors.quiet, text: titleOf(METRICS, metric) },
    { color: colors.main, text: 'Moving average' },
    { color: colors.bad, text: 'Out of line' },
  ]
  return (
    <Stack spacing={2}>
      <ChartCard
        title={`${capitalised(titleOf(METRICS, metric))} over time`}
        label={`Line chart of ${points.length} periods${last ? `, the last at ${formatFigure(last.value, unit)}` : ''}; ${anomalies} are out of line. ${direction ?? ''}`}
        option={option}
        height={320}
        keys={keys}
        note={direction}
        numbers={trendNumbers(points, frequency, unit)}
      />
      <Figures
        label="Growth"
        figures={[
          { title: 'Week on week', value: formatChange(answer.growth_wow_pct, '%') },
          { title: 'Month on month', value: formatChange(answer.growth_mom_pct, '%') },
          { title: 'Year on year', value: formatChange(answer.growth_yoy_pct, '%'), note: typeof answer.growth_yoy_pct === 'number' ? undefined : 'It takes a year of data before' },
          { title: 'Momentum', value: formatChange(answer.momentum_pct, '%'), note: 'The latest stretch against the one before' },
          { title: 'Periods out of line', value: formatFigure(answer.anomalies ?? anomalies, '') },
        ]}
      />
    </Stack>
  )
}
