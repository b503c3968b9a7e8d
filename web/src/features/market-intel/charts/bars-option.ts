import type { EChartsCoreOption } from 'echarts/core'
import { categoryAxis, type ChartColors, frame, valueAxis } from '@/features/market-intel/charts/style'
import { formatFigure, formatShort } from '@/features/market-intel/words'

export interface Bar {
  title: string
  value: number
  /** More that the tooltip tells. */
  told?: readonly string[]
}

/** The height of a chart of so many bars. */
export const barsHeight = (bars: number): number => bars * 30 + 36

/** The ECharts option of bars that lie, first on top; those below nought point the other way in another colour. */
export function barsOption(bars: readonly Bar[], unit: string, colors: ChartColors, narrow: boolean): EChartsCoreOption {
  const { told } = { told: (index: number) => toldAt(bars[index], unit) }
  return {
    ...frame(colors, told),
    xAxis: valueAxis(colors, (value) => formatShort(value, unit), { splitNumber: narrow ? 2 : 4 }),
    yAxis: categoryAxis(colors, bars.map(({ title }) => title), {
      inverse: true,
      axisLabel: { color: colors.text, fontSize: 12, width: narrow ? 110 : 220, overflow: 'truncate' },
    }),
    series: [
      {
        type: 'bar',
        barMaxWidth: 16,
        data: bars.map(({ value }) => ({ value, itemStyle: { color: value < 0 ? colors.bad : colors.main } })),
        emphasis: { disabled: true },
      },
    ],
  }
}

function toldAt(bar: Bar | undefined, unit: string): string[] {
  return bar ? [bar.title, formatFigure(bar.value, unit), ...(bar.told ?? [])] : []
}
