import type { ModelScore } from '@/features/market-intel/api/forecast'
import { isMissing } from '@/features/market-intel/backtest-figures'

/** What the others are measured against. */
export const BASELINE = 'seasonal_naive'

/** The line of the automatic choice, whose parts are other lines. */
export const AUTO = 'auto'

/** A combination made for the series at hand; the model `ensemble` takes equal parts, and is another thing. */
const COMBINED = 'ensemble'

/** Which line is what would be forecast by: a model alone, or the automatic choice where it combines several. */
export function choiceOf(chosen: string | undefined, models: readonly ModelScore[]): string {
  return chosen === COMBINED && models.some(({ model }) => model === AUTO) ? AUTO : (chosen ?? '')
}

/** The models by MASE, least first; those without one last, as they came. */
export function ranked(models: readonly ModelScore[]): ModelScore[] {
  const mase = ({ metrics }: ModelScore) => (isMissing(metrics?.mase) ? Number.POSITIVE_INFINITY : metrics.mase)
  return [...models].sort((one, other) => (mase(one) === mase(other) ? 0 : mase(one) - mase(other)))
}

/** How many models err less than the baseline; undefined where it was not tried. */
export function betterThanBaseline(models: readonly ModelScore[]): { better: number; tried: number } | undefined {
  const naive = models.find(({ model }) => model === BASELINE)?.metrics?.mase
  if (isMissing(naive)) return undefined
  const tried = models.filter(({ model, metrics }) => model !== BASELINE && model !== AUTO && !isMissing(metrics?.mase))
  return { better: tried.filter(({ metrics }) => (metrics?.mase ?? naive) < naive).length, tried: tried.length }
}
