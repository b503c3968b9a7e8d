import type { EChartsCoreOption } from 'echarts/core'
import { type Group, seriesColor, type Stack } from '@/features/market-intel/charts/stack-option'
import { type ChartColors, frame, periodAxis, valueAxis } from '@/features/market-intel/charts/style'
import { formatChange, formatFigure, formatPeriod, formatShort } from '@/features/market-intel/words'

/** The ECharts option of a forecast as its parts: what adds stands on nought, what takes away hangs below it, a line their sum. */
export function partsOption({ periods, groups }: Stack, frequency: string, unit: string, colors: ChartColors): EChartsCoreOption {
  const sums = sumsOf({ periods, groups })
  const told = (index: number) => {
    const period = periods[index]
    if (period === undefined) return []
    return [formatPeriod(period, frequency), ...groups.map(({ title, values }) => `${title}: ${formatChange(values[index], unit)}`), `Together: ${formatFigure(sums[index], unit)}`]
  }
  return {
    ...frame(colors, told),
    xAxis: periodAxis(colors, periods, frequency),
    yAxis: valueAxis(colors, (value) => formatShort(value, unit)),
    series: [
      ...groups.map(({ title, values }: Group, index: number) => ({
        type: 'bar',
        name: title,
        stack: 'parts',
        barMaxWidth: 32,
        data: values,
        itemStyle: { color: seriesColor(colors, index) },
        emphasis: { disabled: true },
      })),
      { type: 'line', name: 'Together', data: sums, symbol: 'none', lineStyle: { color: colors.text, width: 2 }, itemStyle: { color: colors.text }, emphasis: { disabled: true } },
    ],
  }
}

/** What the parts come to in each period. */
export function sumsOf({ periods, groups }: Stack): number[] {
  return periods.map((_, index) => groups.reduce((sum, { values }) => sum + (values[index] ?? 0), 0))
}
