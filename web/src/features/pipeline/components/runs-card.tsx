import Button from '@mui/material/Button'
import LinearProgress from '@mui/material/LinearProgress'
import Stack from '@mui/material/Stack'
import Table from '@mui/material/Table'
import TableBody from '@mui/material/TableBody'
import TableCell from '@mui/material/TableCell'
import TableHead from '@mui/material/TableHead'
import TableRow from '@mui/material/TableRow'
import Typography from '@mui/material/Typography'
import { RefreshIcon } from '@/components/icons'
import { ProblemNotice } from '@/components/problem-notice'
import { goesOn, type Run, type useRuns, useStartRun } from '@/features/pipeline/api/get-pipeline'
import { Nothing, Panel } from '@/features/pipeline/components/panel'
import { Verdict } from '@/features/pipeline/components/verdict'
import { useSessionState } from '@/lib/context'
import { formatCount, formatMoment } from '@/lib/format'
import { problemFromError } from '@/lib/problem'

/** The latest runs with their progress, and a button that starts one. */
export function RunsCard({ runs }: { runs: ReturnType<typeof useRuns> }) {
  const start = useStartRun()
  const items = runs.data?.items ?? []
  return (
    <Panel
      title="Runs"
      detail="Each run takes what the sources have new and brings every table up to date."
      asked={runs}
      action={<StartButton busy={start.isPending || items.some(goesOn)} onStart={() => start.mutate()} />}
    >
      {start.error && <ProblemNotice problem={problemFromError(start.error)} />}
      {items.length === 0 ? (
        <Nothing>No run yet. Start one to bring the data in.</Nothing>
      ) : (
        <Table aria-label="Runs" sx={{ minWidth: 760 }}>
          <TableHead>
            <TableRow>
              <TableCell scope="col">Started</TableCell>
              <TableCell scope="col">Status</TableCell>
              <TableCell scope="col">Source</TableCell>
              <TableCell scope="col">What happened</TableCell>
              <TableCell scope="col" align="right">
                Seconds
              </TableCell>
            </TableRow>
          </TableHead>
          <TableBody>
            {items.map((run) => (
              <RunRow key={run.run_id} run={run} />
            ))}
          </TableBody>
        </Table>
      )}
    </Panel>
  )
}

function StartButton({ busy, onStart }: { busy: boolean; onStart: () => void }) {
  const state = useSessionState()
  const may = state.status === 'authenticated' && state.user.permissions.includes('pipeline:run')
  if (!may) return null
  return (
    <Button variant="contained" startIcon={<RefreshIcon />} onClick={onStart} loading={busy} loadingPosition="start">
      {busy ? 'A run is under way' : 'Run now'}
    </Button>
  )
}

function RunRow({ run }: { run: Run }) {
  return (
    <TableRow hover sx={{ '&:last-child > *': { borderBottom: 0 }, verticalAlign: 'top' }}>
      <TableCell component="th" scope="row" sx={{ whiteSpace: 'nowrap' }}>
        {run.started_at ? formatMoment(run.started_at) : run.run_id}
      </TableCell>
      <TableCell>
        <Verdict of={run.status} />
      </TableCell>
      <TableCell sx={{ whiteSpace: 'nowrap' }}>{run.source}</TableCell>
      <TableCell sx={{ minWidth: 300 }}>
        {goesOn(run) ? <Progress run={run} /> : <Outcome run={run} />}
      </TableCell>
      <TableCell align="right" sx={{ fontVariantNumeric: 'tabular-nums' }}>
        {(run.seconds ?? 0).toFixed(1)}
      </TableCell>
    </TableRow>
  )
}

function Progress({ run }: { run: Run }) {
  return (
    <Stack spacing={0.75}>
      <LinearProgress variant="determinate" value={run.progress_pct ?? 0} aria-label="Tables done" />
      <Typography variant="body2" color="textSecondary">
        {run.current_tables.length ? `Making ${run.current_tables.join(', ')}` : 'Starting'}, {Math.round(run.progress_pct ?? 0)}% of the tables done
      </Typography>
    </Stack>
  )
}

function Outcome({ run }: { run: Run }) {
  const changed = run.tables.filter((table) => table.changed)
  return (
    <Stack spacing={0.5}>
      <Typography variant="body2">
        {changed.length
          ? `${formatCount(changed.length)} of ${formatCount(run.tables.length)} tables changed`
          : run.status === 'succeeded'
            ? 'Nothing new'
            : 'No table changed'}
      </Typography>
      {run.failures.map((failure) => (
        <Typography key={failure.table} variant="body2" color="error" sx={{ overflowWrap: 'anywhere' }}>
          {failure.table}: {failure.detail}
        </Typography>
      ))}
      {run.skipped.length > 0 && (
        <Typography variant="body2" color="textSecondary">
          Not tried: {run.skipped.join(', ')}
        </Typography>
      )}
    </Stack>
  )
}
