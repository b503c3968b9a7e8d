import type { Sorting } from '@/components/sorting'

/** The order that a server is asked for, a leading `-` for descending. */
export const sortOf = ({ column, direction }: Sorting): string => (direction === 'desc' ? `-${column}` : column)

/** The same as a table shows it. */
export function sortingOf(sort: string): Sorting {
  return sort.startsWith('-') ? { column: sort.slice(1), direction: 'desc' } : { column: sort, direction: 'asc' }
}
