import type { EChartsCoreOption } from 'echarts/core'
import { type ChartColors, frame, periodAxis, valueAxis } from '@/features/market-intel/charts/style'
import { formatFigure, formatPeriod, formatShort } from '@/features/market-intel/words'

/** One period of a metric. */
export interface TrendPoint {
  ds: string
  value: number
  average: number | null
  /** Out of line with its trend and season. */
  anomaly: boolean
}

/** The ECharts option of a metric, its moving average, and the periods that are out of line. */
export function trendOption(points: readonly TrendPoint[], frequency: string, unit: string, colors: ChartColors): EChartsCoreOption {
  return {
    ...frame(colors, (index) => toldAt(points[index], frequency, unit)),
    xAxis: periodAxis(colors, points.map(({ ds }) => ds), frequency, { boundaryGap: false }),
    yAxis: valueAxis(colors, (value) => formatShort(value, unit), { scale: true }),
    series: [
      line('Value', points.map(({ value }) => value), colors.quiet, 1.25),
      line('Moving average', points.map(({ average }) => average), colors.main, 2.25),
      {
        type: 'line',
        name: 'Out of line',
        data: points.map(({ anomaly, value }) => (anomaly ? value : null)),
        symbol: 'diamond',
        symbolSize: 10,
        showAllSymbol: true,
        lineStyle: { opacity: 0 },
        itemStyle: { color: colors.bad },
      },
    ],
  }
}

function line(name: string, data: readonly (number | null)[], color: string, width: number) {
  return { type: 'line', name, data, symbol: 'none', lineStyle: { color, width }, itemStyle: { color }, emphasis: { disabled: true } }
}

function toldAt(point: TrendPoint | undefined, frequency: string, unit: string): string[] {
  if (!point) return []
  return [
    formatPeriod(point.ds, frequency),
    formatFigure(point.value, unit),
    ...(point.average === null ? [] : [`Moving average ${formatFigure(point.average, unit)}`]),
    ...(point.anomaly ? ['Out of line with its trend and season'] : []),
  ]
}
