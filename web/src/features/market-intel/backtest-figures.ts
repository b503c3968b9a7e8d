import type { ForecastFigures } from '@/features/market-intel/api/forecast'
import { formatFigure } from '@/features/market-intel/words'
import { formatPercent, formatRatio } from '@/lib/format'

/** What the figures of a backtest mean, by the titles that tables have for them. */
export const FIGURE_HELP: Readonly<Record<string, string>> = {
  MASE: 'Mean error in parts of what repeating the last season errs: below 1 is better than that',
  MAE: 'Mean absolute error: how far off a period is on average',
  RMSE: 'Root mean square error: as MAE, but large errors weigh more',
  MAPE: 'Mean error in percent of the outcome; not defined where an outcome is 0',
  sMAPE: 'Symmetric MAPE: error in percent of the mean of forecast and outcome',
  'R²': 'Part of the ups and downs that is forecast: 1 all of it, 0 no more than the mean would',
  'Quantile loss': 'How well the whole band fits, not its middle alone; less is better',
  'In 80 % band': 'Outcomes within the 80 % band; should be near 80 %',
  'In 95 % band': 'Outcomes within the 95 % band; should be near 95 %',
  Bias: 'Whether it forecasts too much (+) or too little (−), in percent',
  'Worse than naive': 'Series on which it errs more than repeating the last season',
  Took: 'Seconds of computing',
  Series: 'How many series the version forecasts',
}

/** Columns with what they mean. */
export function explained<Titled extends { title: string }>(columns: readonly Titled[]): (Titled & { help?: string })[] {
  return columns.map((column) => (FIGURE_HELP[column.title] ? { ...column, help: FIGURE_HELP[column.title] } : column))
}

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
