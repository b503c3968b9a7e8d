import { useTheme } from '@mui/material/styles'
import useMediaQuery from '@mui/material/useMediaQuery'
import { type ReactNode, useMemo } from 'react'
import { type Column, DataTable, type DataTableProps } from '@/components/data-table'
import type { Sorting } from '@/components/sorting'
import { type AnswerColumn, type AnswerRow, columnTitle, shownColumns } from '@/features/market-intel/answer-columns'
import { namedColumns, titlesIn } from '@/features/market-intel/named'
import { formatFigure, formatPeriod } from '@/features/market-intel/words'
import { formatCell, formatDay, formatMoment, isNumeric } from '@/lib/format'
import { useLocalPages } from '@/lib/use-pages'

export interface AnswerTableProps extends Pick<DataTableProps<AnswerRow>, 'label' | 'asked' | 'empty' | 'toolbar' | 'pages' | 'minWidth'> {
  answer: { columns: readonly AnswerColumn[]; items: readonly object[] } | undefined
  /** Columns that make a row what it is; the first names it. */
  keys: readonly string[]
  hidden?: readonly string[]
  /** Currency of amounts whose row names none. */
  currency?: string
  /** Cells that are more than their value. */
  cells?: Record<string, (row: AnswerRow) => ReactNode>
  sorting?: Sorting
  onSort?: (sorting: Sorting) => void
}

const PAGE_SIZE = 25
/** On a narrow screen a row is a block of many lines. */
const NARROW_PAGE_SIZE = 8
const NO_ROWS: readonly AnswerRow[] = []

/** The rows of an answer with the columns that it declares, each by its type and unit. Many are paged, here if not by the server. */
export function AnswerTable({ answer, keys, hidden, currency = '', cells = {}, sorting, onSort, minWidth, pages, ...table }: AnswerTableProps) {
  const rows = (answer?.items ?? NO_ROWS) as readonly AnswerRow[]
  const named = useMemo(() => namedColumns(answer?.columns ?? []), [answer?.columns])
  const names = useMemo(() => nameCells(rows, named), [rows, named])
  // What has a name is shown by it.
  const shown = shownColumns(answer?.columns ?? [], [...named.map(([value]) => value), ...(hidden ?? [])])
  const first = named.find(([value]) => value === keys[0])?.[1] ?? keys[0]
  const narrow = useMediaQuery(useTheme().breakpoints.down('md'))
  const local = useLocalPages(rows, narrow ? NARROW_PAGE_SIZE : PAGE_SIZE)
  const paged = pages ?? local.pages
  return (
    <DataTable
      {...table}
      columns={shown.map((column) => columnOf(column, first, { ...names, ...cells }, currency))}
      rows={pages ? rows : local.shown}
      rowKey={(row) => keys.map((name) => String(row[name] ?? '')).join(' ')}
      minWidth={minWidth ?? shown.length * 112}
      {...(sorting && onSort && { sorting, onSort })}
      {...(paged && { pages: paged })}
    />
  )
}

function columnOf(column: AnswerColumn, first: string | undefined, cells: Record<string, (row: AnswerRow) => ReactNode>, currency: string): Column<AnswerRow> {
  const numeric = isNumeric(column)
  return {
    title: columnTitle(column.name),
    cell: cells[column.name] ?? ((row) => cellOf(row[column.name], column, row, currency)),
    sort: column.name,
    help: column.description,
    nowrap: numeric || column.type === 'DATE',
    ...(numeric && { align: 'right' }),
    ...(column.name === first && { heads: true }),
  }
}

/** The cells of names, those of one name told apart. */
function nameCells(rows: readonly AnswerRow[], named: readonly (readonly [string, string])[]): Record<string, (row: AnswerRow) => string> {
  const cells = named.map(([value, name]) => {
    const titles = titlesIn(rows, value, name)
    return [name, (row: AnswerRow) => titles.get(String(row[value] ?? 'unknown')) ?? '–'] as const
  })
  return Object.fromEntries(cells)
}

/** A cell in words, by the type and unit of its column; money by the currency that another column of its row names. */
export function cellOf(value: unknown, column: AnswerColumn, row: AnswerRow, currency: string): string {
  if (typeof value === 'boolean') return value ? 'Yes' : 'No'
  if (typeof value === 'string' && column.type === 'DATE') return formatDay(value)
  if (typeof value === 'string' && column.type.startsWith('TIMESTAMP')) return formatMoment(value)
  if (Array.isArray(value)) return value.length === 0 ? '–' : value.join(', ')
  if (typeof value === 'number' && column.unit.endsWith('currency_code')) return formatFigure(value, String(row[column.unit] ?? currency))
  if (typeof value === 'number' && column.unit.includes('/')) return `${formatFigure(value, '')} ${column.unit}`
  return formatCell(value, column)
}

/** The cells of a period, as long as it is. */
export function periodCells(grain: string): Record<string, (row: AnswerRow) => string> {
  if (grain === 'all') return {}
  return { period_on: (row) => formatPeriod(String(row.period_on ?? ''), grain) }
}
