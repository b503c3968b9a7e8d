import Box from '@mui/material/Box'
import MenuItem from '@mui/material/MenuItem'
import Table from '@mui/material/Table'
import TableBody from '@mui/material/TableBody'
import TableCell from '@mui/material/TableCell'
import TableHead from '@mui/material/TableHead'
import TableRow from '@mui/material/TableRow'
import TextField from '@mui/material/TextField'
import { useState } from 'react'
import { type TableLineage, useLineage, useQuality } from '@/features/pipeline/api/get-pipeline'
import { LineageGraph } from '@/features/pipeline/components/lineage-graph'
import { Panel } from '@/features/pipeline/components/panel'

const FIRST = 'demand.customer_segments'

/** A table, what it is made from and what is made from it: a graph, and its columns one by one. */
export function LineageCard({ lastRun }: { lastRun: string | undefined }) {
  const [table, setTable] = useState(FIRST)
  const lineage = useLineage(table)
  return (
    <Panel
      title="Lineage"
      detail="Where a table and each of its columns come from."
      asked={lineage}
      action={<Picker lastRun={lastRun} table={table} onPick={setTable} />}
    >
      {lineage.data && (
        <>
          <LineageGraph lineage={lineage.data} onPick={setTable} />
          <Columns lineage={lineage.data} />
        </>
      )}
    </Panel>
  )
}

interface PickerProps {
  lastRun: string | undefined
  table: string
  onPick: (table: string) => void
}

function Picker({ lastRun, table, onPick }: PickerProps) {
  const measured = useQuality(lastRun).data?.items.map((item) => item.table) ?? []
  const names = [...new Set([table, ...measured])].sort()
  return (
    <TextField select size="small" label="Table" value={table} onChange={(event) => onPick(event.target.value)} sx={{ minWidth: 260 }}>
      {names.map((name) => (
        <MenuItem key={name} value={name}>
          {name}
        </MenuItem>
      ))}
    </TextField>
  )
}

function Columns({ lineage }: { lineage: TableLineage }) {
  return (
    <Box sx={{ borderTop: 1, borderColor: 'divider' }}>
      <Table aria-label={`Columns of ${lineage.table}`} size="small" sx={{ minWidth: 640 }}>
        <TableHead>
          <TableRow>
            <TableCell scope="col">Column</TableCell>
            <TableCell scope="col">Comes from</TableCell>
            <TableCell scope="col">Goes into</TableCell>
          </TableRow>
        </TableHead>
        <TableBody>
          {lineage.columns.map((column) => (
            <TableRow key={column.column} hover sx={{ '&:last-child > *': { borderBottom: 0 } }}>
              <TableCell component="th" scope="row" sx={{ fontWeight: 600, whiteSpace: 'nowrap', verticalAlign: 'top' }}>
                {column.column}
              </TableCell>
              <TableCell sx={{ color: 'text.secondary', overflowWrap: 'anywhere' }}>
                {column.upstream.join(', ') || column.made || '–'}
              </TableCell>
              <TableCell sx={{ color: 'text.secondary', overflowWrap: 'anywhere' }}>
                {column.downstream.join(', ') || '–'}
              </TableCell>
            </TableRow>
          ))}
        </TableBody>
      </Table>
    </Box>
  )
}
