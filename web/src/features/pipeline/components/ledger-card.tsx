import Alert from '@mui/material/Alert'
import Table from '@mui/material/Table'
import TableBody from '@mui/material/TableBody'
import TableCell from '@mui/material/TableCell'
import TableHead from '@mui/material/TableHead'
import TableRow from '@mui/material/TableRow'
import { Fragment } from 'react'
import { type LedgerLine, useLedger } from '@/features/pipeline/api/get-pipeline'
import { Nothing, Panel } from '@/features/pipeline/components/panel'
import { Verdict } from '@/features/pipeline/components/verdict'
import { byTable, reasonTitle, type TableLedger, UNEXPLAINED } from '@/features/pipeline/ledger'
import { formatCount } from '@/lib/format'

const AMOUNT = new Intl.NumberFormat('en-US', { minimumFractionDigits: 2, maximumFractionDigits: 2 })

/** Rows and money of each table from source to prod, with the reason for every difference. */
export function LedgerCard({ lastRun }: { lastRun: string | undefined }) {
  const ledger = useLedger(lastRun)
  const tables = byTable(ledger.data?.items ?? [])
  return (
    <Panel
      title="Reconciliation"
      detail="Rows and money at each stage, tied to the source to the cent. What was left out on the way says why."
      asked={ledger}
    >
      {ledger.data && ledger.data.unexplained_rows > 0 && (
        <Alert severity="error" variant="outlined" sx={{ mx: 2.5, mb: 2 }}>
          {formatCount(ledger.data.unexplained_rows)} rows differ between two stages without a known reason.
        </Alert>
      )}
      {tables.length === 0 ? (
        <Nothing>The ledger is empty: the next run writes it.</Nothing>
      ) : (
        <Table aria-label="Reconciliation" size="small" sx={{ minWidth: 760 }}>
          <TableHead>
            <TableRow>
              <TableCell scope="col">Table</TableCell>
              <TableCell scope="col">Stage</TableCell>
              <TableCell scope="col">Reason</TableCell>
              <TableCell scope="col" align="right">
                Rows
              </TableCell>
              <TableCell scope="col" align="right">
                Amount
              </TableCell>
            </TableRow>
          </TableHead>
          <TableBody>
            {tables.map((table) => (
              <Fragment key={table.table}>
                {table.lines.map((line, place) => (
                  <LineRow key={`${line.stage}${line.reason}${line.currency_code}`} line={line} first={place === 0} of={table} />
                ))}
              </Fragment>
            ))}
          </TableBody>
        </Table>
      )}
    </Panel>
  )
}

function LineRow({ line, first, of }: { line: LedgerLine; first: boolean; of: TableLedger }) {
  const wrong = line.reason === UNEXPLAINED
  return (
    <TableRow hover>
      {first && (
        <TableCell
          component="th"
          scope="rowgroup"
          rowSpan={of.lines.length}
          sx={{ verticalAlign: 'top', fontWeight: 600, whiteSpace: 'nowrap' }}
        >
          {of.table} <Verdict of={of.ties ? 'ties' : 'gap'} />
        </TableCell>
      )}
      {/* In line with its heading, whether the cell of the table goes before it or spans the row. */}
      <TableCell sx={{ '&&': { pl: 1.5 } }}>{line.stage}</TableCell>
      <TableCell sx={wrong ? { color: 'error.main', fontWeight: 600 } : {}}>{reasonTitle(String(line.reason))}</TableCell>
      <TableCell align="right" sx={{ fontVariantNumeric: 'tabular-nums' }}>
        {formatCount(Number(line.row_count))}
      </TableCell>
      <TableCell align="right" sx={{ fontVariantNumeric: 'tabular-nums', whiteSpace: 'nowrap' }}>
        {typeof line.amount === 'number' ? `${AMOUNT.format(line.amount)} ${line.currency_code}` : '–'}
      </TableCell>
    </TableRow>
  )
}
