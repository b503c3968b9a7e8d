import { useColorScheme } from '@mui/material/styles'
import { useMemo } from 'react'
import { formatTick } from '@/features/market-intel/words'
import { palettes } from '@/lib/theme'

/** Colours as values: a canvas knows no CSS variables. */
export interface ChartColors {
  main: string
  quiet: string
  good: string
  bad: string
  /** Of the other direction, where neither is better. */
  other: string
  text: string
  quietText: string
  line: string
  paper: string
  /** Told apart from each other by hue and by lightness. */
  series: readonly string[]
}

export const FONT = '"Inter Variable", system-ui, sans-serif'

const SERIES = {
  light: ['#0b6e69', '#b26a00', '#4353b3', '#9c2f6b', '#5f7d1c', '#0f7fb5', '#7a5230', '#6b7280'],
  dark: ['#55cfc4', '#f2b04c', '#98a6ff', '#f08bbf', '#b3d66b', '#66c3f2', '#d3a37c', '#9ba8ba'],
}

/** The colours of one scheme. */
export function chartColors(scheme: 'light' | 'dark'): ChartColors {
  const palette = palettes[scheme]
  return {
    main: palette.primary.main,
    quiet: scheme === 'dark' ? '#6b7c94' : '#8a97a8',
    good: palette.success.main,
    bad: palette.error.main,
    other: palette.secondary.main,
    text: palette.text.primary,
    quietText: palette.text.secondary,
    line: palette.divider,
    paper: palette.background.paper,
    series: SERIES[scheme],
  }
}

/** The colours of the scheme that shows. */
export function useChartColors(): ChartColors {
  const { mode, systemMode } = useColorScheme()
  const scheme = (mode === 'system' ? systemMode : mode) === 'dark' ? 'dark' : 'light'
  return useMemo(() => chartColors(scheme), [scheme])
}

/** What every chart here has: the font, room for the axes, and a tooltip of elements. */
export function frame(colors: ChartColors, told: (index: number) => readonly string[]) {
  return {
    textStyle: { fontFamily: FONT },
    animationDuration: 300,
    grid: { left: 4, right: 16, top: 12, bottom: 4, outerBoundsMode: 'same', outerBoundsContain: 'axisLabel' },
    tooltip: {
      trigger: 'axis',
      confine: true,
      backgroundColor: colors.paper,
      borderColor: colors.line,
      borderWidth: 1,
      padding: [8, 12],
      textStyle: { color: colors.text, fontSize: 13, fontFamily: FONT },
      formatter: (points: { dataIndex: number } | { dataIndex: number }[]) =>
        tooltip(told((Array.isArray(points) ? points[0] : points)?.dataIndex ?? -1)),
    },
  }
}

/** An axis of periods or names. */
export function categoryAxis(colors: ChartColors, data: readonly string[], more: object = {}) {
  return {
    type: 'category',
    data,
    axisLine: { lineStyle: { color: colors.line } },
    axisTick: { show: false },
    axisLabel: { color: colors.quietText, fontSize: 12, hideOverlap: true },
    ...more,
  }
}

/** An axis of periods; the outermost labels stay within the chart. */
export function periodAxis(colors: ChartColors, periods: readonly string[], frequency: string, more: object = {}) {
  const axis = categoryAxis(colors, [...periods])
  return { ...axis, axisLabel: { ...axis.axisLabel, margin: 10, lineHeight: 15, alignMinLabel: 'left', alignMaxLabel: 'right', formatter: (ds: string) => formatTick(ds, frequency) }, ...more }
}

/** An axis of figures. */
export function valueAxis(colors: ChartColors, format: (value: number) => string, more: object = {}) {
  return {
    type: 'value',
    splitLine: { lineStyle: { color: colors.line } },
    axisLabel: { color: colors.quietText, fontSize: 12, formatter: format, hideOverlap: true },
    ...more,
  }
}

/** Elements, not HTML text: styles within HTML text are inline styles, which the CSP forbids. */
export function tooltip(lines: readonly string[]): HTMLElement[] {
  return lines.map((text, index) => {
    const element = document.createElement('div')
    element.textContent = text
    if (index === 0) element.style.fontWeight = '650'
    return element
  })
}
