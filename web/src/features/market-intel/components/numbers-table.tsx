import Table from '@mui/material/Table'
import TableBody from '@mui/material/TableBody'
import TableCell from '@mui/material/TableCell'
import TableContainer from '@mui/material/TableContainer'
import TableHead from '@mui/material/TableHead'
import TableRow from '@mui/material/TableRow'
import Typography from '@mui/material/Typography'
import { formatCount } from '@/lib/format'

/** Rows in words; the first cell names its row, the others are figures. */
export interface Numbers {
  header: readonly string[]
  rows: readonly (readonly string[])[]
}

/** More rows than this are for an export. */
const MOST = 400

/** The numbers of a chart, as a table that scrolls within its place. */
export function NumbersTable({ caption, numbers }: { caption: string; numbers: Numbers }) {
  const rows = numbers.rows.slice(-MOST)
  return (
    <>
      {rows.length < numbers.rows.length && (
        <Typography variant="body2" color="textSecondary" sx={{ mb: 1 }}>
          The last {formatCount(rows.length)} of {formatCount(numbers.rows.length)} rows.
        </Typography>
      )}
      {/* Focusable, so that a keyboard can scroll it. */}
      <TableContainer tabIndex={0} role="region" aria-label={`${caption}, numbers`} sx={{ maxHeight: 360, border: 1, borderColor: 'divider', borderRadius: 1 }}>
        <Table size="small" stickyHeader aria-label={`${caption}, numbers`}>
          <TableHead>
            <TableRow>
              {numbers.header.map((title, index) => (
                <TableCell key={title} scope="col" align={index === 0 ? 'left' : 'right'} sx={{ whiteSpace: 'nowrap', bgcolor: 'background.paper' }}>
                  {title}
                </TableCell>
              ))}
            </TableRow>
          </TableHead>
          <TableBody>
            {rows.map(([name, ...cells], row) => (
              <TableRow key={`${row} ${name}`}>
                <TableCell component="th" scope="row" sx={{ whiteSpace: 'nowrap' }}>
                  {name}
                </TableCell>
                {cells.map((cell, index) => (
                  <TableCell key={numbers.header[index + 1]} align="right" sx={{ whiteSpace: 'nowrap', fontVariantNumeric: 'tabular-nums' }}>
                    {cell}
                  </TableCell>
                ))}
              </TableRow>
            ))}
          </TableBody>
        </Table>
      </TableContainer>
    </>
  )
}
