import Box from '@mui/material/Box'
import Stack from '@mui/material/Stack'
import Table from '@mui/material/Table'
import TableBody from '@mui/material/TableBody'
import TableCell from '@mui/material/TableCell'
import TableHead from '@mui/material/TableHead'
import TableRow from '@mui/material/TableRow'
import Typography from '@mui/material/Typography'
import { type TableQuality, useQuality } from '@/features/pipeline/api/get-pipeline'
import { Nothing, Panel } from '@/features/pipeline/components/panel'
import { Verdict } from '@/features/pipeline/components/verdict'
import { formatCount } from '@/lib/format'

/** Every table with its quality score, the worst first. */
export function QualityCard({ lastRun }: { lastRun: string | undefined }) {
  const quality = useQuality(lastRun)
  const items = quality.data?.items ?? []
  return (
    <Panel
      title="Quality"
      detail="Each table's score out of 100, measured whenever it changes. Rows that break a rule wait in quarantine."
      asked={quality}
    >
      {items.length === 0 ? (
        <Nothing>Nothing has been measured yet.</Nothing>
      ) : (
        <Table aria-label="Quality" sx={{ minWidth: 820 }}>
          <TableHead>
            <TableRow>
              <TableCell scope="col">Table</TableCell>
              <TableCell scope="col">Score</TableCell>
              <TableCell scope="col">To look at</TableCell>
              <TableCell scope="col" align="right">
                Rows
              </TableCell>
              <TableCell scope="col" align="right">
                In quarantine
              </TableCell>
            </TableRow>
          </TableHead>
          <TableBody>
            {items.map((item) => (
              <QualityRow key={item.table} item={item} />
            ))}
          </TableBody>
        </Table>
      )}
    </Panel>
  )
}

function QualityRow({ item }: { item: TableQuality }) {
  const concerns = item.dimensions.filter(({ status }) => status === 'warn' || status === 'fail')
  return (
    <TableRow hover sx={{ '&:last-child > *': { borderBottom: 0 } }}>
      <TableCell component="th" scope="row" sx={{ fontWeight: 600 }}>
        {item.table}
      </TableCell>
      <TableCell>
        <Score value={item.score ?? 0} status={item.status} />
      </TableCell>
      <TableCell>
        <Stack direction="row" useFlexGap sx={{ flexWrap: 'wrap', gap: 0.75 }}>
          {concerns.length === 0 && (
            <Typography variant="body2" color="textSecondary">
              Nothing
            </Typography>
          )}
          {concerns.map(({ dimension, status }) => (
            <Verdict key={dimension} of={status} label={dimension} />
          ))}
        </Stack>
      </TableCell>
      <TableCell align="right" sx={{ fontVariantNumeric: 'tabular-nums' }}>
        {formatCount(item.rows)}
      </TableCell>
      <TableCell align="right" sx={{ fontVariantNumeric: 'tabular-nums' }}>
        {formatCount(item.quarantined)}
      </TableCell>
    </TableRow>
  )
}

const COLOURS: Record<string, string> = { ok: 'success.main', warn: 'warning.main', fail: 'error.main' }

function Score({ value, status }: { value: number; status: TableQuality['status'] }) {
  return (
    <Box sx={{ display: 'flex', alignItems: 'center', gap: 1.25 }}>
      <Box aria-hidden sx={{ width: 96, height: 6, borderRadius: 3, bgcolor: 'action.hover', overflow: 'hidden' }}>
        <Box sx={{ width: `${value}%`, height: '100%', bgcolor: COLOURS[status ?? 'ok'] }} />
      </Box>
      <Typography variant="body2" sx={{ fontVariantNumeric: 'tabular-nums', fontWeight: 600 }}>
        {value.toFixed(1)}
      </Typography>
    </Box>
  )
}
