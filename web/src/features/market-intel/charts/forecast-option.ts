import type { EChartsCoreOption } from 'echarts/core'
import { type ChartColors, frame, periodAxis, valueAxis } from '@/features/market-intel/charts/style'
import { formatFigure, formatPeriod, formatShort } from '@/features/market-intel/words'

/** One period that has been. */
export interface Actual {
  ds: string
  value: number
}

/** One period ahead, as every forecast tells it. */
export interface Ahead {
  ds: string
  mean: number
  median: number
  lower_80: number
  upper_80: number
  lower_95: number
  upper_95: number
}

export interface ForecastChart {
  history: readonly Actual[]
  ahead: readonly Ahead[]
  frequency: string
  unit: string
}

/** The ECharts option of a line that has been, and goes on within a band of 80 % and one of 95 %. */
export function forecastOption(chart: ForecastChart, colors: ChartColors): EChartsCoreOption {
  const { history, ahead, frequency, unit } = chart
  const periods = [...history.map(({ ds }) => ds), ...ahead.map(({ ds }) => ds)]
  const after = (values: readonly number[]): (number | null)[] => [...history.map(() => null), ...values]
  const median = after(ahead.map((row) => row.median))
  // The line of the forecast begins where the line of the past ends.
  const last = history.at(-1)
  if (last) median[history.length - 1] = last.value
  return {
    ...frame(colors, (index) => toldAt(chart, index)),
    xAxis: periodAxis(colors, periods, frequency, { boundaryGap: false }),
    yAxis: valueAxis(colors, (value) => formatShort(value, unit), { scale: true }),
    series: [
      ...band('95', after(ahead.map((row) => row.lower_95)), after(ahead.map((row) => row.upper_95 - row.lower_95)), colors.main, 0.14),
      ...band('80', after(ahead.map((row) => row.lower_80)), after(ahead.map((row) => row.upper_80 - row.lower_80)), colors.main, 0.22),
      line('What was', history.map(({ value }) => value), colors.text, 'solid'),
      line('Forecast', median, colors.main, 'dashed'),
    ],
  }
}

/** A band: its lower end, unseen, and upon it how high it is. */
export function band(name: string, lower: (number | null)[], height: (number | null)[], color: string, opacity: number) {
  const hidden = { type: 'line', stack: name, stackStrategy: 'all', symbol: 'none', silent: true, lineStyle: { opacity: 0 }, emphasis: { disabled: true } }
  return [
    { ...hidden, name: `Lower end, ${name} %`, data: lower },
    { ...hidden, name: `${name} % band`, data: height, areaStyle: { color, opacity } },
  ]
}

/** A line without marks, solid or dashed. */
export function line(name: string, data: readonly (number | null)[], color: string, type: string) {
  return { type: 'line', name, data, symbol: 'none', lineStyle: { color, width: 2, type }, itemStyle: { color }, emphasis: { disabled: true } }
}

function toldAt({ history, ahead, frequency, unit }: ForecastChart, index: number): string[] {
  const was = history[index]
  if (was) return [formatPeriod(was.ds, frequency), formatFigure(was.value, unit)]
  const row = ahead[index - history.length]
  if (!row) return []
  return [
    formatPeriod(row.ds, frequency),
    `Expected ${formatFigure(row.median, unit)}`,
    `80 %: ${formatFigure(row.lower_80, unit)} to ${formatFigure(row.upper_80, unit)}`,
    `95 %: ${formatFigure(row.lower_95, unit)} to ${formatFigure(row.upper_95, unit)}`,
  ]
}
