import type { ForecastFigures } from '@/features/market-intel/api/forecast'
import { formatFigure } from '@/features/market-intel/words'
import { formatPercent, formatRatio } from '@/lib/format'

/** How a model did, in words: each figure by its name, and what a reader may make of it. */
export function figuresOf(figures: ForecastFigures, unit: string): { title: string; value: string; note?: string }[] {
  return [
    { title: 'MASE', value: ratio(figures.mase), note: masePhrase(figures.mase) },
    { title: 'Mean absolute error', value: formatFigure(figures.mae, unit) },
    { title: 'RMSE', value: formatFigure(figures.rmse, unit) },
    { title: 'MAPE', value: percent(figures.mape), note: isMissing(figures.mape) ? 'Not defined where an outcome is 0' : '' },
    { title: 'Symmetric MAPE', value: percent(figures.smape) },
    { title: 'R²', value: ratio(figures.r2) },
    { title: 'Within the 80 % band', value: percent(figures.coverage_80_pct), note: 'Should be near 80 %' },
    { title: 'Within the 95 % band', value: percent(figures.coverage_95_pct), note: 'Should be near 95 %' },
    { title: 'Bias', value: signed(figures.bias_pct), note: biasPhrase(figures.bias_pct) },
  ].map(({ note, ...figure }) => (note ? { ...figure, note } : figure))
}

export const ratio = (value: number | null | undefined): string => (isMissing(value) ? '–' : formatRatio(value))
export const percent = (value: number | null | undefined): string => (isMissing(value) ? '–' : formatPercent(value))
export const signed = (value: number | null | undefined): string => (isMissing(value) ? '–' : `${value > 0 ? '+' : ''}${formatPercent(value)}`)

export function isMissing(value: number | null | undefined): value is null | undefined {
  return value === null || value === undefined || !Number.isFinite(value)
}

function masePhrase(mase: number | null | undefined): string {
  if (isMissing(mase)) return 'Not defined for this series'
  return mase < 1 ? 'Errs less than repeating the last season' : 'Errs no less than repeating the last season'
}

function biasPhrase(bias: number | null | undefined): string {
  if (isMissing(bias)) return ''
  return bias > 0 ? 'It forecast too much' : bias < 0 ? 'It forecast too little' : 'None'
}
