import type { AnswerColumn, AnswerRow } from '@/features/market-intel/answer-columns'
import { groupBy } from '@/lib/group-by'

/** What values are called. */
export type Titles = ReadonlyMap<string, string>

/** Names by value; where two values have one name, what they are stands behind it. */
export function apart(named: Iterable<readonly [string, string]>): Titles {
  const names = [...new Map(named)]
  const bearers = groupBy(names, ([, name]) => name)
  return new Map(names.map(([value, name]) => [value, name !== value && (bearers.get(name) ?? []).length > 1 ? `${name} (${value})` : name]))
}

/** What the values of a column are called by another column; a value without a name is its own. */
export function titlesIn(rows: readonly object[], column: string, nameColumn = `${column}_name`): Titles {
  return apart(
    (rows as readonly AnswerRow[]).map((row) => {
      const value = String(row[column] ?? 'unknown')
      const name = row[nameColumn]
      return [value, typeof name === 'string' && name !== '' ? name : value]
    }),
  )
}

/** Columns of names, by the column whose values they name: `category_name` names those of `category` or `category_id`. */
export function namedColumns(columns: readonly AnswerColumn[]): [value: string, name: string][] {
  const there = new Set(columns.map(({ name }) => name))
  return [...there].flatMap((name) => {
    const stem = name.endsWith('_name') ? name.slice(0, -'_name'.length) : ''
    const value = [stem, `${stem}_id`].find((one) => stem && there.has(one))
    return value ? [[value, name]] : []
  })
}
