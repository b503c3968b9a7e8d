import MenuItem from '@mui/material/MenuItem'
import TableSortLabel from '@mui/material/TableSortLabel'
import TextField from '@mui/material/TextField'
import Tooltip from '@mui/material/Tooltip'

/** The column that rows are in order of, and which way. */
export interface Sorting {
  column: string
  direction: 'asc' | 'desc'
}

interface SortProps {
  sorting: Sorting
  onSort: (sorting: Sorting) => void
}

interface SortHeadingProps extends SortProps {
  column: string
  title: string
  /** What the values mean. */
  help?: string | undefined
  /** Which way the first click sorts: figures largest first. */
  first: 'asc' | 'desc'
}

/** The heading of a column that sorts the rows by it, the second time the other way. */
export function SortHeading({ column, title, help = '', first, sorting, onSort }: SortHeadingProps) {
  const active = sorting.column === column
  const other = sorting.direction === 'asc' ? 'desc' : 'asc'
  return (
    <Tooltip title={help} describeChild>
      <TableSortLabel active={active} direction={active ? sorting.direction : first} onClick={() => onSort({ column, direction: active ? other : first })}>
        {title}
      </TableSortLabel>
    </Tooltip>
  )
}

interface SortSelectProps extends SortProps {
  columns: readonly { column: string; title: string; first: 'asc' | 'desc' }[]
}

/** The same where a narrow screen has no headings. */
export function SortSelect({ columns, sorting, onSort }: SortSelectProps) {
  const found = columns.find(({ column }) => column === sorting.column)
  return (
    <TextField
      select
      size="small"
      label="Sorted by"
      value={found ? sorting.column : ''}
      onChange={(event) => {
        const chosen = columns.find(({ column }) => column === event.target.value)
        if (chosen) onSort({ column: chosen.column, direction: chosen.first })
      }}
      slotProps={{ inputLabel: { shrink: true } }}
      sx={{ display: { md: 'none' }, flex: '1 1 100%' }}
    >
      {columns.map(({ column, title }) => (
        <MenuItem key={column} value={column}>
          {title}
        </MenuItem>
      ))}
    </TextField>
  )
}
