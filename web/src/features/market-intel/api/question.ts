import type { paths } from '@/api/schema'

/** What a view asks for: names and values, those that are empty left out. */
export type Question = Record<string, string | number | boolean | readonly string[]>

/** What the endpoint at a path may be asked. */
export type QueryOf<Path extends keyof paths> = paths[Path] extends { get: { parameters: { query?: infer Query } } } ? NonNullable<Query> : never

/** The values that say something; typed as the endpoint takes them, which checks them. */
export function given<Query>(question: Question): Query {
  const said = Object.entries(question).filter(([, value]) => (Array.isArray(value) ? value.length > 0 : value !== '' && value !== false))
  return Object.fromEntries(said) as Query
}

/** The path of the same question, for saving its answer as a file. */
export function pathOf(path: string, question: Question): string {
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries(given<Question>(question))) {
    for (const one of Array.isArray(value) ? value : [value]) query.append(name, String(one))
  }
  return `${path}?${query}`
}

/** The most rows that one page may have. */
export const MOST_ROWS = 1000
