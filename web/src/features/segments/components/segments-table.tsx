import Box from '@mui/material/Box'
import Card from '@mui/material/Card'
import Table from '@mui/material/Table'
import TableBody from '@mui/material/TableBody'
import TableCell from '@mui/material/TableCell'
import TableContainer from '@mui/material/TableContainer'
import TableHead from '@mui/material/TableHead'
import TableRow from '@mui/material/TableRow'
import TableSortLabel from '@mui/material/TableSortLabel'
import Tooltip from '@mui/material/Tooltip'
import Typography from '@mui/material/Typography'
import { useId, useState } from 'react'
import type { Column } from '@/features/segments/api/get-segments'
import { SegmentName } from '@/features/segments/components/segment-name'
import { columnTitle, type SharedRow, shownColumns, type Sorting, sortRows } from '@/features/segments/table-rows'
import { formatCell, isNumeric } from '@/lib/format'

interface SegmentsTableProps {
  rows: readonly SharedRow[]
  columns: readonly Column[]
}

/** Every segment with all its columns; a click on a heading sorts. */
export function SegmentsTable({ rows, columns }: SegmentsTableProps) {
  const [sorting, setSorting] = useState<Sorting>({ column: 'revenue', direction: 'desc' })
  const heading = useId()
  const shown = shownColumns(columns)
  return (
    <Card>
      <Box sx={{ px: 2.5, pt: 2.25, pb: 1.5 }}>
        <Typography variant="h2" id={heading}>
          Segments in detail
        </Typography>
      </Box>
      {/* Focusable, so that a keyboard can scroll a table wider than the screen. */}
      <TableContainer tabIndex={0} role="region" aria-labelledby={heading}>
        <Table aria-labelledby={heading} sx={{ minWidth: 1080, borderCollapse: 'separate' }}>
          <TableHead>
            <TableRow>
              {shown.map((column) => (
                <HeadCell key={column.name} column={column} sorting={sorting} onSort={setSorting} />
              ))}
            </TableRow>
          </TableHead>
          <TableBody>
            {sortRows(rows, sorting).map((row) => (
              <TableRow key={row.segment} hover sx={{ '&:last-child > *': { borderBottom: 0 } }}>
                {shown.map((column) => (
                  <BodyCell key={column.name} column={column} row={row} />
                ))}
              </TableRow>
            ))}
          </TableBody>
        </Table>
      </TableContainer>
    </Card>
  )
}

interface HeadCellProps {
  column: Column
  sorting: Sorting
  onSort: (sorting: Sorting) => void
}

function HeadCell({ column, sorting, onSort }: HeadCellProps) {
  const active = sorting.column === column.name
  const first = isNumeric(column) ? 'desc' : 'asc'
  const other = sorting.direction === 'asc' ? 'desc' : 'asc'
  return (
    <TableCell
      scope="col"
      align={isNumeric(column) ? 'right' : 'left'}
      sortDirection={active ? sorting.direction : false}
      sx={pinned(column)}
    >
      <Tooltip title={column.description} describeChild placement="top">
        <TableSortLabel
          active={active}
          direction={active ? sorting.direction : first}
          onClick={() => onSort({ column: column.name, direction: active ? other : first })}
          sx={{ whiteSpace: 'nowrap' }}
        >
          {columnTitle(column.name)}
        </TableSortLabel>
      </Tooltip>
    </TableCell>
  )
}

function BodyCell({ column, row }: { column: Column; row: SharedRow }) {
  const value = (row as Record<string, unknown>)[column.name]
  if (column.name === 'segment') {
    return (
      <TableCell component="th" scope="row" sx={{ fontWeight: 600, whiteSpace: 'nowrap', ...pinned(column) }}>
        <SegmentName name={row.segment} />
      </TableCell>
    )
  }
  if (column.name === 'action') {
    return <TableCell sx={{ color: 'text.secondary', minWidth: 300 }}>{formatCell(value, column)}</TableCell>
  }
  return (
    <TableCell
      align={isNumeric(column) ? 'right' : 'left'}
      data-column={column.name}
      sx={{ whiteSpace: 'nowrap', fontVariantNumeric: 'tabular-nums' }}
    >
      {formatCell(value, column)}
    </TableCell>
  )
}

/** The name stays in view while the rest scrolls sideways. */
function pinned(column: Column) {
  return column.name === 'segment' ? { position: 'sticky', left: 0, zIndex: 1, bgcolor: 'background.paper' } : {}
}
