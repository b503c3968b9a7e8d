import type { ForecastComponent } from '@/features/market-intel/api/forecast'
import { type Group, OTHERS } from '@/features/market-intel/charts/stack-option'
import { capitalised, formatFigure } from '@/features/market-intel/words'

const NAMES: Record<string, string> = {
  trend: 'Trend',
  season: 'Season',
  weekly: 'Day of the week',
  yearly: 'Time of the year',
  holidays: 'Holidays',
  history: 'What was before',
  base: 'Usual level',
}

/** What a part is called; a regressor by its own name. */
export const partName = (name: string): string => NAMES[name] ?? capitalised(name)

const weight = (values: readonly number[]): number => values.reduce((sum, value) => sum + Math.abs(value), 0)

/** The parts, heaviest first; beyond the most that can be told apart, the lightest as one. They still add up. */
export function partsOf(components: readonly ForecastComponent[], most: number): Group[] {
  const parts = components.map(({ name, values }) => ({ title: partName(name), values: (values ?? []).map((value) => value ?? 0) })).sort((one, other) => weight(other.values) - weight(one.values))
  if (parts.length <= most) return parts
  const rest = parts.slice(most - 1)
  const length = Math.max(...rest.map(({ values }) => values.length))
  const values = Array.from({ length }, (_, step) => rest.reduce((sum, part) => sum + (part.values[step] ?? 0), 0))
  return [...parts.slice(0, most - 1), { title: OTHERS, values }]
}

/** What a part does over the horizon, in words. */
export function partRange({ title, values }: Group, unit: string): string {
  const [low, high] = [Math.min(...values), Math.max(...values)]
  return low === high ? `${title}: ${formatFigure(low, unit)} in each period.` : `${title}: from ${formatFigure(low, unit)} to ${formatFigure(high, unit)}.`
}
