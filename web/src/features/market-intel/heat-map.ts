import type { Pair } from '@/features/market-intel/api/correlations'
import { apart, type Titles } from '@/features/market-intel/named'

/** How strongly two values move together; null where it is not known, undefined on the diagonal. */
export interface HeatCell {
  value: number | null
  significant: boolean
}

/** A value of a dimension, and what it is called. */
export interface Part {
  value: string
  title: string
}

export interface HeatMap {
  rows: readonly Part[]
  columns: readonly Part[]
  /** By row, then column; undefined where a value meets itself. */
  cells: readonly (readonly (HeatCell | undefined)[])[]
}

/** The pairs as a square of one dimension's values, or the values of one against those of another; those that move with most come first. */
export function heatMapOf(pairs: readonly Pair[], square: boolean): HeatMap {
  const at = new Map<string, HeatCell>()
  const strength = [new Map<string, number>(), new Map<string, number>()] as const
  for (const { value_a, value_b, spearman, is_significant } of pairs) {
    const cell = { value: spearman ?? null, significant: is_significant === true }
    at.set(keyOf(value_a, value_b), cell)
    if (square) at.set(keyOf(value_b, value_a), cell)
    add(strength[0], value_a, spearman)
    add(strength[square ? 0 : 1], value_b, spearman)
  }
  const [titles, others] = titlesOf(pairs, square)
  const rows = ranked(strength[0], titles)
  const columns = square ? rows : ranked(strength[1], others)
  const cells = rows.map((row) => columns.map((column) => (square && row === column ? undefined : (at.get(keyOf(row.value, column.value)) ?? { value: null, significant: false }))))
  return { rows, columns, cells }
}

/** What the values of one side and of the other are called; the same for both where they are of one dimension. */
export function titlesOf(pairs: readonly Pair[], square: boolean): readonly [Titles, Titles] {
  const one = pairs.map(({ value_a, value_a_name }) => [value_a, value_a_name] as const)
  const other = pairs.map(({ value_b, value_b_name }) => [value_b, value_b_name] as const)
  if (!square) return [apart(one), apart(other)]
  const both = apart([...one, ...other])
  return [both, both]
}

const keyOf = (one: string, other: string): string => JSON.stringify([one, other])

function add(sums: Map<string, number>, value: string, strength: number | null): void {
  sums.set(value, (sums.get(value) ?? 0) + (strength ?? 0))
}

function ranked(sums: ReadonlyMap<string, number>, titles: Titles): Part[] {
  return [...sums].sort(([, one], [, other]) => other - one).map(([value]) => ({ value, title: titles.get(value) ?? value }))
}

/** How deep a cell is coloured, 0-10: few steps, so that a large map has few styles. */
export const depthOf = (value: number): number => Math.min(10, Math.round(Math.abs(value) * 10))
