import Box from '@mui/material/Box'
import { type Column, DataTable, type DataTableProps } from '@/components/data-table'
import type { Move } from '@/features/market-intel/api/versions'
import { CsvButton } from '@/features/market-intel/components/csv-button'
import { sentence } from '@/features/market-intel/prose'
import { modelTitle } from '@/features/market-intel/versions'
import { capitalised } from '@/features/market-intel/words'
import { formatMoment } from '@/lib/format'
import { useLocalPages } from '@/lib/use-pages'

const PAGE_SIZE = 25
const CSV_HEADER = ['at', 'model', 'alias', 'version', 'previous', 'because'] as const

/** When which version took over a role, and why. */
export function MovesTable({ asked, moves }: { asked: DataTableProps<Move>['asked']; moves: readonly Move[] }) {
  const { shown, pages } = useLocalPages(moves, PAGE_SIZE)
  return (
    <DataTable
      label="Moves"
      columns={COLUMNS}
      rows={shown}
      rowKey={({ at, model, alias, version }) => `${at} ${model} ${alias} ${version}`}
      asked={asked}
      empty="No version has taken over a role yet."
      toolbar={
        moves.length > 0 && (
          <Box sx={{ ml: 'auto' }}>
            <CsvButton name="model-moves.csv" header={CSV_HEADER} rows={() => moves.map(({ at, model, alias, version, previous, because }) => [at ?? '', model ?? '', alias ?? '', version ?? '', previous ?? '', because ?? ''])} />
          </Box>
        )
      }
      {...(pages && { pages })}
      minWidth={860}
    />
  )
}

const COLUMNS: readonly Column<Move>[] = [
  { title: 'When', heads: true, nowrap: true, cell: ({ at }) => (at ? formatMoment(at) : '–') },
  { title: 'Model', cell: ({ model }) => modelTitle(model ?? '') },
  { title: 'Role', cell: ({ alias }) => capitalised(alias ?? '') },
  { title: 'From', nowrap: true, cell: ({ previous }) => previous || '–' },
  { title: 'To', nowrap: true, cell: ({ version }) => version ?? '–' },
  { title: 'Why', cell: ({ because }) => sentence(because ?? '') || '–' },
]
