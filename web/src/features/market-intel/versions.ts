import type { Move, Version } from '@/features/market-intel/api/versions'
import { isMissing } from '@/features/market-intel/backtest-figures'
import { capitalised, FREQUENCIES, titleOf } from '@/features/market-intel/words'

export const CHAMPION = 'champion'

/** What each role does. */
export const ROLES: Record<string, string> = {
  champion: 'Its forecasts are shown',
  challenger: 'On trial: answers for some of the series',
  shadow: 'Forecasts beside the champion, unseen, to be compared',
}

/** What a registered model is called: `market_intel.forecasts_day` forecasts days. */
export function modelTitle(name: string): string {
  const short = name.replace(/^market_intel\./, '')
  const frequency = /^forecasts_(day|week|month)$/.exec(short)?.[1]
  return frequency ? `${titleOf(FREQUENCIES, frequency)} forecasts` : capitalised(short)
}

const DAY_MS = 86_400_000

/** The last day of the data that a version was made on, `YYYY-MM-DD`; undefined where it does not say. */
export function throughDay({ metrics }: Version): string | undefined {
  const days = metrics?.through_day
  return isMissing(days) ? undefined : new Date(days * DAY_MS).toISOString().slice(0, 10)
}

/** Whether another version was champion before the present one: only then is there one to go back to. */
export function canGoBack(model: string, moves: readonly Move[]): boolean {
  return new Set(moves.filter((move) => move.model === model && move.alias === CHAMPION).map(({ version }) => version)).size > 1
}

/** The names of the models, in the order of their versions. */
export const modelsOf = (versions: readonly Version[]): string[] => [...new Set(versions.map(({ name }) => name))]

/** A version's figures beside those that have a column. */
export function otherFigures({ metrics }: Version): [string, number][] {
  const shown = new Set(['through_day', 'series', 'mase'])
  return Object.entries(metrics ?? {}).flatMap(([name, value]) => (shown.has(name) || isMissing(value) ? [] : [[name, value]]))
}
