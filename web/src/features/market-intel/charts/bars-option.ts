import type { EChartsCoreOption } from 'echarts/core'
import { categoryAxis, type ChartColors, frame, valueAxis } from '@/features/market-intel/charts/style'
import { formatChange, formatFigure, formatShort } from '@/features/market-intel/words'

export interface Bar {
  title: string
  value: number
  /** More that the tooltip tells. */
  told?: readonly string[]
}

/** The height of a chart of so many bars. */
export const barsHeight = (bars: number): number => bars * 30 + 36

/** The ECharts option of bars that lie, first on top, each with its figure; those below nought point the other way in another colour. */
export function barsOption(bars: readonly Bar[], unit: string, colors: ChartColors, narrow: boolean): EChartsCoreOption {
  const signed = bars.some(({ value }) => value < 0)
  const label = ({ value }: { value: number }) => (signed ? formatChange(value, unit) : formatShort(value, unit))
  const base = frame(colors, (index) => toldAt(bars[index], unit))
  return {
    ...base,
    // Room for the figure of the longest bar.
    grid: { ...base.grid, right: 56 },
    xAxis: valueAxis(colors, (value) => formatShort(value, unit), { splitNumber: narrow ? 2 : 4 }),
    // Names keep clear of the figures of bars that point at them.
    yAxis: categoryAxis(colors, bars.map(({ title }) => title), {
      inverse: true,
      axisLine: { onZero: false, lineStyle: { color: colors.line } },
      axisLabel: { color: colors.text, fontSize: 12, width: narrow ? 110 : 280, overflow: 'truncate', ...(signed && { margin: narrow ? 44 : 56 }) },
    }),
    series: [
      {
        type: 'bar',
        barMaxWidth: 16,
        data: bars.map(({ value }) => ({ value, itemStyle: { color: value < 0 ? colors.other : colors.main }, label: { position: value < 0 ? 'left' : 'right' } })),
        label: { show: true, color: colors.text, fontSize: 12, formatter: label },
        emphasis: { disabled: true },
      },
    ],
  }
}

function toldAt(bar: Bar | undefined, unit: string): string[] {
  return bar ? [bar.title, formatFigure(bar.value, unit), ...(bar.told ?? [])] : []
}
