import type { EChartsCoreOption } from 'echarts/core'
import { type ChartColors, frame, periodAxis, valueAxis } from '@/features/market-intel/charts/style'
import { formatFigure, formatPeriod, formatShort } from '@/features/market-intel/words'

/** What one group brought in each period. */
export interface Group {
  title: string
  values: readonly number[]
}

export interface Stack {
  periods: readonly string[]
  groups: readonly Group[]
}

/** One cell of an answer: a period, a group and its figure. */
export interface Cell {
  period: string
  group: string
  value: number
}

export const OTHERS = 'All others'

/** The cells as one row a group over all periods: the largest by name, the rest together. */
export function stackOf(cells: readonly Cell[], most: number): Stack {
  const periods = [...new Set(cells.map(({ period }) => period))].sort()
  const sums = new Map<string, number>()
  for (const { group, value } of cells) sums.set(group, (sums.get(group) ?? 0) + value)
  const ranked = [...sums].sort(([, one], [, other]) => other - one).map(([group]) => group)
  const named = ranked.slice(0, ranked.length > most ? most - 1 : most)
  const rows = new Map([...named, ...(ranked.length > most ? [OTHERS] : [])].map((title) => [title, periods.map(() => 0)]))
  const column = new Map(periods.map((period, index) => [period, index]))
  for (const { period, group, value } of cells) {
    const values = rows.get(group) ?? rows.get(OTHERS)
    const index = column.get(period)
    if (values && index !== undefined) values[index] = (values[index] ?? 0) + value
  }
  return { periods, groups: [...rows].map(([title, values]) => ({ title, values })) }
}

/** The ECharts option of bars that stand, a colour a group, one upon another. */
export function stackOption({ periods, groups }: Stack, grain: string, unit: string, colors: ChartColors): EChartsCoreOption {
  const told = (index: number) => {
    const period = periods[index]
    if (period === undefined) return []
    return [formatPeriod(period, grain), ...groups.map(({ title, values }) => `${title}: ${formatFigure(values[index], unit)}`)]
  }
  return {
    ...frame(colors, told),
    xAxis: periodAxis(colors, periods, grain),
    yAxis: valueAxis(colors, (value) => formatShort(value, unit)),
    series: groups.map(({ title, values }, index) => ({
      type: 'bar',
      name: title,
      stack: 'all',
      barMaxWidth: 40,
      data: values,
      itemStyle: { color: seriesColor(colors, index) },
      emphasis: { disabled: true },
    })),
  }
}

/** The colour of the nth group. */
export const seriesColor = (colors: ChartColors, index: number): string => colors.series[index % colors.series.length] ?? colors.main
