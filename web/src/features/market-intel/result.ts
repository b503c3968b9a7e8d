import type { ForecastAnswer, ForecastChoice, ForecastPoint } from '@/features/market-intel/api/forecast'
import type { Actual, Ahead } from '@/features/market-intel/charts/forecast-option'
import { formatFigure, formatPeriod } from '@/features/market-intel/words'

/** What was answered about one series. */
export interface SeriesResult {
  name: string
  history: Actual[]
  ahead: Ahead[]
  choice: ForecastChoice | undefined
}

/** The names of the series that an answer has rows of; one without a name is the only one. */
export function seriesNames(answer: ForecastAnswer): string[] {
  return [...new Set((answer.forecast ?? []).map(({ series_id }) => series_id ?? ''))]
}

/** What was answered about the series of that name. */
export function seriesResult(answer: ForecastAnswer, name: string): SeriesResult {
  const ours = (row: { series_id?: string | undefined }) => (row.series_id ?? '') === name
  return {
    name,
    history: (answer.history ?? []).filter(ours).flatMap(({ ds, y }) => (typeof y === 'number' ? [{ ds, value: y }] : [])),
    ahead: (answer.forecast ?? []).filter(ours).map(aheadOf),
    choice: answer.chosen?.find(ours),
  }
}

/** A point with every figure; a figure that was not asked for is no number, and draws nothing. */
export function aheadOf(point: Omit<ForecastPoint, 'series_id'>): Ahead {
  const figure = (value: number | null | undefined) => value ?? Number.NaN
  return {
    ds: point.ds,
    mean: figure(point.mean),
    median: figure(point.median ?? point.mean),
    lower_80: figure(point.lower_80),
    upper_80: figure(point.upper_80),
    lower_95: figure(point.lower_95),
    upper_95: figure(point.upper_95),
  }
}

export const AHEAD_HEADER = ['Period', 'Expected', 'Median', 'Lower 80 %', 'Upper 80 %', 'Lower 95 %', 'Upper 95 %'] as const

/** The rows ahead in words. */
export function aheadNumbers(ahead: readonly Ahead[], frequency: string, unit: string) {
  const rows = ahead.map((row) => [
    formatPeriod(row.ds, frequency),
    ...[row.mean, row.median, row.lower_80, row.upper_80, row.lower_95, row.upper_95].map((value) => formatFigure(value, unit)),
  ])
  return { header: AHEAD_HEADER, rows }
}

export const EXPORT_HEADER = ['series_id', 'ds', 'mean', 'median', 'lower_80', 'upper_80', 'lower_95', 'upper_95'] as const

/** The names of the parts that any of the series is made up of. */
function partNames(answer: ForecastAnswer): string[] {
  return [...new Set((answer.chosen ?? []).flatMap(({ components }) => (components ?? []).map(({ name }) => name)))]
}

/** The header of what is exported: after the figures a column a part, where parts were told. */
export function exportHeader(answer: ForecastAnswer): string[] {
  return [...EXPORT_HEADER, ...partNames(answer).map((name) => `part_${name}`)]
}

/** Every row of an answer as it is exported. */
export function exportRows(answer: ForecastAnswer): (string | number)[][] {
  const names = partNames(answer)
  const parts = new Map((answer.chosen ?? []).map(({ series_id, components }) => [series_id ?? '', new Map((components ?? []).map(({ name, values }) => [name, values ?? []]))]))
  const steps = new Map<string, number>()
  return (answer.forecast ?? []).map((point) => {
    const { ds, mean, median, lower_80, upper_80, lower_95, upper_95, series_id: series = '' } = point
    const step = steps.get(series) ?? 0
    steps.set(series, step + 1)
    const ofParts = names.map((name) => parts.get(series)?.get(name)?.[step])
    return [series, ds, ...[mean, median, lower_80, upper_80, lower_95, upper_95, ...ofParts].map((value) => value ?? '')]
  })
}
