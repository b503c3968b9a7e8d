import type { EChartsCoreOption } from 'echarts/core'
import type { Outcome } from '@/features/market-intel/api/accuracy'
import { band, line } from '@/features/market-intel/charts/forecast-option'
import { type ChartColors, frame, periodAxis, valueAxis } from '@/features/market-intel/charts/style'
import { formatFigure, formatPeriod, formatShort } from '@/features/market-intel/words'

/** The ECharts option of what was forecast, with its band, and what came. */
export function outcomeOption(outcomes: readonly Outcome[], frequency: string, unit: string, colors: ChartColors): EChartsCoreOption {
  const told = (index: number) => {
    const row = outcomes[index]
    if (!row) return []
    return [
      formatPeriod(row.ds, frequency),
      `Came: ${formatFigure(row.actual, unit)}`,
      `Forecast: ${formatFigure(row.median, unit)}`,
      `80 %: ${formatFigure(row.lower_80, unit)} to ${formatFigure(row.upper_80, unit)}`,
    ]
  }
  return {
    ...frame(colors, told),
    xAxis: periodAxis(colors, outcomes.map(({ ds }) => ds), frequency, { boundaryGap: false }),
    yAxis: valueAxis(colors, (value) => formatShort(value, unit), { scale: true }),
    series: [
      ...band('80', outcomes.map((row) => row.lower_80), outcomes.map((row) => row.upper_80 - row.lower_80), colors.main, 0.22),
      line('What came', outcomes.map((row) => row.actual), colors.text, 'solid'),
      line('Forecast', outcomes.map((row) => row.median), colors.main, 'dashed'),
    ],
  }
}
