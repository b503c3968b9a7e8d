import type { LedgerLine } from '@/features/pipeline/api/get-pipeline'
import { groupBy } from '@/lib/group-by'

export const STAGES = ['source', 'raw', 'curated', 'prod'] as const
export type Stage = (typeof STAGES)[number]
export const UNEXPLAINED = 'unexplained'

/** The lines of one table, and whether each difference between its stages has a reason. */
export interface TableLedger {
  table: string
  lines: LedgerLine[]
  ties: boolean
}

/** The ledger by table, those that do not tie first. */
export function byTable(lines: readonly LedgerLine[]): TableLedger[] {
  const tables = groupBy(lines, (line) => line.table_name as string)
  return [...tables]
    .map(([table, own]) => ({ table, lines: own, ties: !own.some((line) => line.reason === UNEXPLAINED) }))
    .sort((one, other) => Number(one.ties) - Number(other.ties) || one.table.localeCompare(other.table))
}

const REASONS: Record<string, string> = {
  given: 'What the source says it has',
  live: 'Latest of each key',
  kept: 'In the table',
  counted: 'Rows that its sum is made of',
  said: 'What the table says',
  after_clock: 'After the last complete day',
}

/** A reason in words: `quarantined:resolves_product_id` → `Quarantined: resolves product id`. */
export function reasonTitle(reason: string): string {
  if (REASONS[reason]) return REASONS[reason]
  const words = reason.replaceAll('_', ' ').replace(':', ': ')
  return words.charAt(0).toUpperCase() + words.slice(1)
}
