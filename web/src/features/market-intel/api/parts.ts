import { useMemo } from 'react'
import { type Revenue, useRevenue } from '@/features/market-intel/api/revenue'
import { type Titles, titlesIn } from '@/features/market-intel/named'

/** The parts of the business that have revenue, by name; empty while they are not known. */
export interface Parts {
  channel: readonly string[]
  region: readonly string[]
  country: readonly string[]
  category: readonly string[]
  currencies: readonly string[]
  /** What departments are called. */
  names: Titles
}

const WHOLE = { from: '', to: '', channel: '', region: '', country: '', currency: '', grain: 'all' }

/** What a reader can choose of: where there is no revenue, nothing can be chosen. */
export function useParts(): Parts {
  const places = useRevenue({ ...WHOLE, by: ['channel', 'region'] }).data
  const countries = useRevenue({ ...WHOLE, by: ['country'] }).data
  const departments = useRevenue({ ...WHOLE, by: ['department'] }).data
  return {
    channel: valuesOf(places, 'channel'),
    region: valuesOf(places, 'region'),
    country: valuesOf(countries, 'country'),
    category: valuesOf(departments, 'department'),
    currencies: countries?.currencies ?? [],
    names: useMemo(() => titlesIn(departments?.items ?? [], 'department'), [departments]),
  }
}

/** What the values of a dimension are called, those of the most revenue first; `pending` while that is on its way. */
export function useTitles(dimension: string): { titles: Titles; pending: boolean } {
  const asked = useRevenue({ ...WHOLE, by: [dimension] }, dimension !== '')
  const titles = useMemo(() => titlesIn(asked.isPlaceholderData ? [] : (asked.data?.items ?? []), dimension), [asked.data, asked.isPlaceholderData, dimension])
  return { titles, pending: asked.isLoading || asked.isPlaceholderData }
}

/** The values of a dimension, in the order of the alphabet. */
export function valuesOf(answer: Revenue | undefined, dimension: string): string[] {
  const values = (answer?.items ?? []).map((row) => (row as Record<string, unknown>)[dimension])
  return [...new Set(values.filter((value): value is string => typeof value === 'string' && value !== ''))].sort((one, other) => one.localeCompare(other, 'en'))
}
