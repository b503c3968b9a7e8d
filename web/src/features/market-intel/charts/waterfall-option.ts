import type { EChartsCoreOption } from 'echarts/core'
import { categoryAxis, type ChartColors, frame, valueAxis } from '@/features/market-intel/charts/style'
import { formatChange, formatFigure, formatShort } from '@/features/market-intel/words'

/** One step of a waterfall: a total that stands on the floor, or a change that begins where the last step ended. */
export interface Step {
  title: string
  from: number
  to: number
  total: boolean
}

/** The steps from one total to another over what each driver contributed. */
export function steps(before: { title: string; value: number }, effects: readonly { title: string; contribution: number }[], after: { title: string; value: number }): Step[] {
  let level = before.value
  const changes = effects.map(({ title, contribution }) => {
    const from = level
    level += contribution
    return { title, from, to: level, total: false }
  })
  return [
    { title: before.title, from: 0, to: before.value, total: true },
    ...changes,
    { title: after.title, from: 0, to: after.value, total: true },
  ]
}

const SMALL_CHANGE = 0.35
const ROOM = 0.4

/** Where the axis begins: at nought, or above it where the changes would be too small to see. */
export function floorOf(all: readonly Step[]): number {
  const levels = all.flatMap(({ from, to, total }) => (total ? [to] : [from, to]))
  const [low, high] = [Math.min(...levels), Math.max(...levels)]
  if (low <= 0 || high - low > SMALL_CHANGE * high) return 0
  const floor = low - ROOM * (high - low || high)
  const unit = 10 ** Math.floor(Math.log10(high - low || high))
  return Math.max(0, Math.floor(floor / unit) * unit)
}

/** The height of a waterfall that lies. */
export const lyingHeight = (all: readonly Step[]): number => all.length * 40 + 36

/**
 * The ECharts option of a waterfall, which lies where there is no room for it to stand. Candles, since a bar that crosses
 * nought can not be stacked from two.
 */
export function waterfallOption(all: readonly Step[], unit: string, colors: ChartColors, lies = false): EChartsCoreOption {
  const floor = floorOf(all)
  const titles = all.map(({ title }) => title)
  const names = categoryAxis(colors, titles, { ...(lies && { inverse: true }), axisLabel: { color: colors.text, fontSize: 12, lineHeight: 15, interval: 0, width: 96, overflow: 'break' } })
  const figures = valueAxis(colors, (value) => formatShort(value, unit), { ...(floor > 0 && { min: floor }), ...(lies && { splitNumber: 3 }) })
  const base = frame(colors, (index) => toldAt(all[index], unit))
  return {
    ...base,
    // Room for the figure of the longest bar.
    ...(lies && { grid: { ...base.grid, right: 64 } }),
    xAxis: lies ? figures : names,
    yAxis: lies ? names : figures,
    series: [
      {
        type: 'candlestick',
        barMaxWidth: lies ? 22 : 56,
        data: all.map((step) => {
          const from = step.total ? floor : step.from
          const color = step.total ? colors.quiet : step.to >= step.from ? colors.good : colors.bad
          return {
            value: [from, step.to, Math.min(from, step.to), Math.max(from, step.to)],
            itemStyle: { color, color0: color, borderColor: color, borderColor0: color },
          }
        }),
      },
      figuresOf(all, unit, colors, lies),
    ],
  }
}

/** The figure of each step at its far end, upon a line that is not drawn. */
function figuresOf(all: readonly Step[], unit: string, colors: ChartColors, lies: boolean) {
  const figure = ({ from, to, total }: Step) => (total ? formatShort(to, unit) : `${to > from ? '+' : ''}${formatShort(to - from, unit)}`)
  return {
    type: 'line',
    symbol: 'circle',
    symbolSize: 1,
    silent: true,
    lineStyle: { opacity: 0 },
    // Not by its opacity, which its label would take over.
    itemStyle: { color: 'transparent' },
    label: { show: true, position: lies ? 'right' : 'top', color: colors.text, fontSize: 12 },
    data: all.map((step, place) => {
      const end = Math.max(step.from, step.to)
      return { value: lies ? [end, place] : [place, end], label: { formatter: figure(step) } }
    }),
  }
}

function toldAt(step: Step | undefined, unit: string): string[] {
  if (!step) return []
  return [step.title, step.total ? formatFigure(step.to, unit) : formatChange(step.to - step.from, unit)]
}
