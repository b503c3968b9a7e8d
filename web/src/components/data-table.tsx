import Box from '@mui/material/Box'
import Button from '@mui/material/Button'
import Card from '@mui/material/Card'
import LinearProgress from '@mui/material/LinearProgress'
import Skeleton from '@mui/material/Skeleton'
import Table from '@mui/material/Table'
import TableBody from '@mui/material/TableBody'
import TableCell from '@mui/material/TableCell'
import TableContainer from '@mui/material/TableContainer'
import TableHead from '@mui/material/TableHead'
import TableRow from '@mui/material/TableRow'
import Tooltip from '@mui/material/Tooltip'
import Typography from '@mui/material/Typography'
import type { ReactNode } from 'react'
import { ProblemNotice } from '@/components/problem-notice'
import { SortHeading, type Sorting, SortSelect } from '@/components/sorting'
import { VisuallyHidden } from '@/components/visually-hidden'
import { formatCount } from '@/lib/format'
import { problemFromError } from '@/lib/problem'
import type { Pages } from '@/lib/use-pages'

export interface Column<Row> {
  title: string
  cell: (row: Row) => ReactNode
  align?: 'right'
  /** Names the row to screen readers. */
  heads?: boolean
  /** The title is for screen readers alone, as over a column of buttons. */
  quiet?: boolean
  nowrap?: boolean
  /** Name by which the rows can be put in order of it. */
  sort?: string
  /** What the values mean, told where the title is pointed at. */
  help?: string
}

export interface DataTableProps<Row> {
  label: string
  columns: readonly Column<Row>[]
  rows: readonly Row[]
  rowKey: (row: Row) => string
  /** The question behind the table: while it waits a skeleton stands there, when it fails why. */
  asked: { error: unknown; isPending: boolean; isFetching: boolean; refetch: () => unknown }
  /** What is said where there are no rows. */
  empty: ReactNode
  /** Filters and buttons above the table. */
  toolbar?: ReactNode
  pages?: Pages
  minWidth?: number
  /** How the rows are in order; whoever shows them puts them so. */
  sorting?: Sorting
  onSort?: (sorting: Sorting) => void
}

/** Rows in a card: a table where there is room, on a narrow screen one block a row. Loading, empty and failed too. */
export function DataTable<Row>(props: DataTableProps<Row>) {
  const { label, columns, rows, asked, empty, toolbar, pages, sorting, onSort } = props
  return (
    <Card sx={{ position: 'relative' }}>
      {asked.isFetching && !asked.isPending && (
        <LinearProgress aria-label={`Loading ${label.toLowerCase()}`} sx={{ position: 'absolute', insetInline: 0, top: 0, height: 2 }} />
      )}
      {toolbar && <Box sx={{ p: 2.5, pb: 2, display: 'flex', flexWrap: 'wrap', gap: 1.5, alignItems: 'center' }}>{toolbar}</Box>}
      {sorting && onSort && (
        <Box sx={{ display: { xs: 'flex', md: 'none' }, px: 2.5, pt: toolbar ? 0 : 2.5, pb: 1 }}>
          <SortSelect columns={sortable(columns)} sorting={sorting} onSort={onSort} />
        </Box>
      )}
      {asked.error ? (
        <Box sx={{ p: 2.5, pt: toolbar ? 0 : 2.5 }}>
          <ProblemNotice problem={problemFromError(asked.error)} onRetry={() => void asked.refetch()} busy={asked.isFetching} />
        </Box>
      ) : asked.isPending ? (
        <Waiting label={label} />
      ) : rows.length === 0 ? (
        <Typography component="div" color="textSecondary" role="status" sx={{ px: 2.5, py: 4, textAlign: 'center' }}>
          {empty}
        </Typography>
      ) : (
        <Rows {...props} />
      )}
      {pages && !asked.error && (rows.length > 0 || pages.previous) && <Footer label={label} pages={pages} shown={rows.length} />}
    </Card>
  )
}

function Waiting({ label }: { label: string }) {
  return (
    <Box aria-busy role="status" aria-label={`Loading ${label.toLowerCase()}`} sx={{ px: 2.5, py: 2 }}>
      {[1, 2, 3, 4, 5].map((key) => (
        <Skeleton key={key} height={44} />
      ))}
    </Box>
  )
}

/** Roles are said outright: a browser forgets those of a table whose display is changed. */
function Rows<Row>({ label, columns, rows, rowKey, minWidth = 720, sorting, onSort }: DataTableProps<Row>) {
  return (
    <TableContainer tabIndex={0} role="region" aria-label={`${label}, scrollable`}>
      <Table role="table" aria-label={label} sx={{ minWidth: { md: minWidth }, display: { xs: 'block', md: 'table' } }}>
        <TableHead role="rowgroup" sx={{ display: { xs: 'none', md: 'table-header-group' } }}>
          <TableRow role="row">
            {columns.map(({ title, align, quiet, sort, help }) => (
              <TableCell
                key={title}
                role="columnheader"
                scope="col"
                {...(align && { align })}
                {...(sorting && sort === sorting.column && { sortDirection: sorting.direction })}
                sx={{ whiteSpace: 'nowrap' }}
              >
                {quiet ? (
                  <VisuallyHidden>{title}</VisuallyHidden>
                ) : sort && sorting && onSort ? (
                  <SortHeading column={sort} title={title} help={help} first={firstWay(align)} sorting={sorting} onSort={onSort} />
                ) : (
                  <Tooltip title={help ?? ''} describeChild>
                    <span>{title}</span>
                  </Tooltip>
                )}
              </TableCell>
            ))}
          </TableRow>
        </TableHead>
        <TableBody role="rowgroup" sx={{ display: { xs: 'block', md: 'table-row-group' } }}>
          {rows.map((row) => (
            <TableRow key={rowKey(row)} hover role="row" sx={ROW}>
              {columns.map((column) => (
                <Cell key={column.title} column={column} row={row} />
              ))}
            </TableRow>
          ))}
        </TableBody>
      </Table>
    </TableContainer>
  )
}

/** Figures are sorted largest first, words from A. */
const firstWay = (align: 'right' | undefined) => (align ? 'desc' : 'asc')

function sortable<Row>(columns: readonly Column<Row>[]) {
  return columns.flatMap(({ sort, title, align }) => (sort ? [{ column: sort, title, first: firstWay(align) } as const] : []))
}

function Cell<Row>({ column, row }: { column: Column<Row>; row: Row }) {
  const { title, align, heads, quiet, nowrap } = column
  return (
    <TableCell
      component="td"
      role={heads ? 'rowheader' : 'cell'}
      {...(align && { align })}
      sx={{
        ...CELL,
        ...(heads && { fontWeight: 600 }),
        ...(align && { fontVariantNumeric: 'tabular-nums', textAlign: { xs: 'left', md: 'right' } }),
        ...(quiet && CORNER),
        ...(nowrap && { whiteSpace: { md: 'nowrap' } }),
      }}
    >
      {!heads && !quiet && (
        <Typography component="span" variant="caption" color="textSecondary" aria-hidden sx={{ display: { md: 'none' }, flex: '0 0 112px', pt: '2px' }}>
          {title}
        </Typography>
      )}
      <Box sx={{ flex: 1, minWidth: 0 }}>{column.cell(row)}</Box>
    </TableCell>
  )
}

const ROW = {
  display: { xs: 'block', md: 'table-row' },
  position: 'relative',
  py: { xs: 1.25, md: 0 },
  borderStyle: 'solid',
  borderColor: 'divider',
  borderWidth: { xs: '0 0 1px', md: 0 },
  verticalAlign: 'top',
  '&:last-child, &:last-child > *': { borderBottomWidth: 0 },
}
const CELL = {
  display: { xs: 'flex', md: 'table-cell' },
  gap: 1.5,
  flexDirection: 'row',
  textAlign: { xs: 'left', md: 'start' },
  borderBottomWidth: { xs: 0, md: 1 },
  overflowWrap: { xs: 'anywhere', md: 'break-word' },
  px: { xs: 2.5, md: 1.5 },
  py: { xs: 0.5, md: '11px' },
}
/** Buttons of a row stand in the corner of its block. */
const CORNER = { position: { xs: 'absolute', md: 'static' }, top: 8, right: 0 }

function Footer({ label, pages, shown }: { label: string; pages: Pages; shown: number }) {
  const from = pages.before + 1
  return (
    <Box
      component="nav"
      aria-label={`Pages of ${label.toLowerCase()}`}
      sx={{ px: 2.5, py: 1.25, borderTop: 1, borderColor: 'divider', display: 'flex', flexWrap: 'wrap', gap: 1, alignItems: 'center' }}
    >
      <Typography variant="body2" color="textSecondary" sx={{ flex: 1, fontVariantNumeric: 'tabular-nums' }} aria-live="polite">
        {shown > 0 && `${formatCount(from)}–${formatCount(from + shown - 1)}`}
        {shown > 0 && pages.total !== undefined && ` of ${formatCount(pages.total)}`}
      </Typography>
      {(pages.previous || pages.next) && (
        <>
          <Button size="small" color="inherit" disabled={!pages.previous} onClick={pages.previous}>
            Previous
          </Button>
          <Button size="small" color="inherit" disabled={!pages.next} onClick={pages.next}>
            Next
          </Button>
        </>
      )}
    </Box>
  )
}
