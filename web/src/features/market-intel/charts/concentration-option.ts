import type { EChartsCoreOption } from 'echarts/core'
import { type ChartColors, frame, valueAxis } from '@/features/market-intel/charts/style'
import { formatPercent } from '@/lib/format'

/** A point of the curve: the largest so many percent of all bring so many percent of the revenue. */
export interface Share {
  items_pct: number
  revenue_pct: number
}

/** The ECharts option of a concentration curve beside the line of equal shares. */
export function concentrationOption(points: readonly Share[], what: string, colors: ChartColors): EChartsCoreOption {
  const percent = (value: number) => `${value}%`
  return {
    ...frame(colors, (index) => toldAt(points[index], what)),
    xAxis: valueAxis(colors, percent, { min: 0, max: 100 }),
    yAxis: valueAxis(colors, percent, { min: 0, max: 100 }),
    series: [
      line('Share of revenue', points.map((point) => [point.items_pct, point.revenue_pct]), colors.main, 'solid', 0.12),
      line('Equal shares', [[0, 0], [100, 100]], colors.quiet, 'dashed', 0),
    ],
  }
}

function line(name: string, data: number[][], color: string, type: string, opacity: number) {
  return { type: 'line', name, data, symbol: 'none', lineStyle: { color, width: 2, type }, itemStyle: { color }, areaStyle: { color, opacity } }
}

function toldAt(point: Share | undefined, what: string): string[] {
  return point ? [`The largest ${formatPercent(point.items_pct)} of ${what}`, `${formatPercent(point.revenue_pct)} of the revenue`] : []
}
