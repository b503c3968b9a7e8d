import type { EChartsCoreOption } from 'echarts/core'
import type { SharedRow } from '@/features/segments/table-rows'
import { formatCount, formatMoney, formatPercent } from '@/lib/format'

export interface ChartColors {
  revenue: string
  customers: string
  text: string
  quietText: string
  line: string
  paper: string
}

const FONT = '"Inter Variable", system-ui, sans-serif'

/** The ECharts option of a paired bar chart. The tooltip is drawn on the canvas: HTML ones style inline, which the CSP forbids. */
export function shareOption(rows: readonly SharedRow[], colors: ChartColors, narrow: boolean): EChartsCoreOption {
  return {
    textStyle: { fontFamily: FONT },
    animationDuration: 300,
    grid: { left: 0, right: narrow ? 44 : 56, top: 4, bottom: 4, outerBoundsMode: 'same', outerBoundsContain: 'axisLabel' },
    tooltip: {
      trigger: 'axis',
      renderMode: 'richText',
      axisPointer: { type: 'shadow', shadowStyle: { color: colors.line, opacity: 0.35 } },
      backgroundColor: colors.paper,
      borderColor: colors.line,
      textStyle: { color: colors.text, fontSize: 13, lineHeight: 20, fontFamily: FONT },
      formatter: (points: { dataIndex: number }[]) => tooltip(rows[points[0]?.dataIndex ?? -1]),
    },
    xAxis: { type: 'value', axisLabel: { show: false }, splitLine: { show: false }, max: 'dataMax' },
    yAxis: {
      type: 'category',
      inverse: true,
      data: rows.map((row) => capitalised(row.segment)),
      axisLine: { show: false },
      axisTick: { show: false },
      axisLabel: { color: colors.text, fontSize: narrow ? 12 : 13, margin: 12 },
    },
    series: [
      bars(rows.map((row) => row.revenue_share_pct), colors.revenue, { color: colors.text, fontWeight: 600 }),
      bars(rows.map((row) => row.customers_share_pct), colors.customers, { color: colors.quietText }),
    ],
  }
}

function bars(data: number[], color: string, label: object) {
  return {
    type: 'bar',
    data,
    barWidth: 10,
    barGap: '30%',
    itemStyle: { color, borderRadius: [0, 3, 3, 0] },
    label: { show: true, position: 'right', fontSize: 11, formatter: ({ value }: { value: number }) => formatPercent(value), ...label },
    emphasis: { disabled: true },
  }
}

function tooltip(row: SharedRow | undefined): string {
  if (!row) return ''
  return [
    capitalised(row.segment),
    `${formatMoney(row.revenue)} · ${formatPercent(row.revenue_share_pct)} of revenue`,
    `${formatCount(row.customers)} customers · ${formatPercent(row.customers_share_pct)}`,
  ].join('\n')
}

/** Tiers are stored in lower case, segments as names. */
export function capitalised(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}
