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

const FEW = 5
const FONT = '"Inter Variable", system-ui, sans-serif'

/** The height of a segment's pair of bars: few segments get thicker ones. */
export const rowHeight = (segments: number): number => (segments <= FEW ? 58 : 38)

/** The ECharts option of a paired bar chart. */
export function shareOption(rows: readonly SharedRow[], colors: ChartColors, narrow: boolean): EChartsCoreOption {
  return {
    textStyle: { fontFamily: FONT },
    animationDuration: 300,
    grid: { left: 0, right: narrow ? 44 : 56, top: 4, bottom: 4, outerBoundsMode: 'same', outerBoundsContain: 'axisLabel' },
    tooltip: {
      trigger: 'axis',
      confine: true,
      axisPointer: { type: 'shadow', z: 0, shadowStyle: { color: colors.line, opacity: 0.45 } },
      backgroundColor: colors.paper,
      borderColor: colors.line,
      borderWidth: 1,
      padding: [8, 12],
      textStyle: { color: colors.text, fontSize: 13, fontFamily: FONT },
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
    barWidth: data.length <= FEW ? 16 : 10,
    barGap: '30%',
    itemStyle: { color, borderRadius: [0, 3, 3, 0] },
    label: { show: true, position: 'right', fontSize: 11, formatter: ({ value }: { value: number }) => formatPercent(value), ...label },
    emphasis: { disabled: true },
  }
}

/** Elements, not HTML text: styles within HTML text are inline styles, which the CSP forbids. */
function tooltip(row: SharedRow | undefined): HTMLElement[] {
  if (!row) return []
  const title = line(capitalised(row.segment))
  title.style.fontWeight = '650'
  return [
    title,
    line(`${formatMoney(row.revenue)} · ${formatPercent(row.revenue_share_pct)} of revenue`),
    line(`${formatCount(row.customers)} customers · ${formatPercent(row.customers_share_pct)} of all`),
  ]
}

function line(text: string): HTMLElement {
  const element = document.createElement('div')
  element.textContent = text
  return element
}

/** Tiers are stored in lower case, segments as names. */
export function capitalised(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}
