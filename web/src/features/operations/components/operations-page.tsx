import Alert from '@mui/material/Alert'
import Button from '@mui/material/Button'
import FormControlLabel from '@mui/material/FormControlLabel'
import Stack from '@mui/material/Stack'
import Switch from '@mui/material/Switch'
import Typography from '@mui/material/Typography'
import { useState } from 'react'
import { Link, useSearchParams } from 'react-router'
import { ConfirmDialog } from '@/components/confirm-dialog'
import { type Column, DataTable } from '@/components/data-table'
import { PageHeader } from '@/components/page-header'
import { ToneChip } from '@/components/tone-chip'
import { type Operation, useCancel, useOperations } from '@/features/operations/api/operations'
import { Outcome } from '@/features/operations/components/outcome'
import { ResultDialog } from '@/features/operations/components/result-dialog'
import { kindOf, pageOf, serviceOf, standing, took } from '@/features/operations/standing'
import { useSessionState } from '@/lib/context'
import { formatSecond } from '@/lib/format'
import { usePages } from '@/lib/use-pages'

/** Work that takes longer than a request: how it stands, what came of it, and its end. */
export function OperationsPage() {
  const [parameters, setParameters] = useSearchParams()
  const everybody = parameters.has('all')
  const { token, pages } = usePages(String(everybody))
  const operations = useOperations(everybody, token)
  const [ending, setEnding] = useState<Operation>()
  const [shown, setShown] = useState<Operation>()
  const missing = operations.data?.missing ?? []
  return (
    <Stack spacing={3}>
      <PageHeader title="Operations" detail="Work that takes longer than a request. What has ended is kept for seven days." />
      {missing.length > 0 && (
        <Alert severity="warning" variant="outlined" sx={{ bgcolor: 'background.paper' }}>
          Not asked, since they do not answer: {missing.join(', ')}. Their operations are not in the list.
        </Alert>
      )}
      <DataTable
        label="Operations"
        columns={columns({ onEnd: setEnding, onShow: setShown })}
        rows={operations.data?.items ?? []}
        rowKey={(operation) => operation.name}
        asked={operations}
        empty="Nothing that takes longer has been asked for. Forecasts with all models and runs of the data pipeline stand here, with their progress and result."
        toolbar={useManages() && <Everybody on={everybody} onChange={(on) => setParameters(on ? { all: '' } : {}, { replace: true, flushSync: true })} />}
        pages={pages(operations.data)}
        minWidth={900}
      />
      {ending && <End operation={ending} onClose={() => setEnding(undefined)} />}
      {shown && <ResultDialog operation={shown} onClose={() => setShown(undefined)} />}
    </Stack>
  )
}

/** Whether the person manages any service, and so may see what others began there. */
function useManages(): boolean {
  const state = useSessionState()
  return state.status === 'authenticated' && state.user.permissions.some((permission) => permission.endsWith(':manage'))
}

function Everybody({ on, onChange }: { on: boolean; onChange: (on: boolean) => void }) {
  return <FormControlLabel control={<Switch checked={on} onChange={(event) => onChange(event.target.checked)} />} label="Everybody's, not only mine" />
}

interface RowDeeds {
  onEnd: (operation: Operation) => void
  onShow: (operation: Operation) => void
}

const columns = ({ onEnd, onShow }: RowDeeds): Column<Operation>[] => [
  { title: 'What', heads: true, cell: (operation) => <What operation={operation} /> },
  { title: 'Status', nowrap: true, cell: (operation) => <ToneChip {...standing(operation)} /> },
  { title: 'Outcome', cell: (operation) => <Outcome operation={operation} /> },
  { title: 'Begun', nowrap: true, cell: ({ created_at }) => (created_at ? formatSecond(created_at) : '–') },
  { title: 'Took', align: 'right', nowrap: true, cell: (operation) => took(operation, Date.now()) },
  {
    title: 'Actions',
    quiet: true,
    align: 'right',
    cell: (operation) => (
      <Stack direction="row" spacing={1} sx={{ justifyContent: 'flex-end' }}>
        {pageOf(operation) && (
          <Button size="small" color="inherit" component={Link} to={pageOf(operation) ?? ''} aria-label={`Open ${operation.name}`}>
            Open
          </Button>
        )}
        {operation.done && !operation.error && (
          <Button size="small" color="inherit" onClick={() => onShow(operation)} aria-label={`Result of ${operation.name}`}>
            Result
          </Button>
        )}
        {!operation.done && operation.cancellable && (
          <Button size="small" color="error" onClick={() => onEnd(operation)} aria-label={`Cancel ${operation.name}`}>
            Cancel
          </Button>
        )}
      </Stack>
    ),
  },
]

function What({ operation }: { operation: Operation }) {
  return (
    <>
      {kindOf(operation)}
      <Typography variant="body2" color="textSecondary" sx={{ overflowWrap: 'anywhere', pr: { xs: 9, md: 0 } }}>
        {serviceOf(operation)} · <code>{operation.name.split('/')[1]}</code>
      </Typography>
    </>
  )
}

function End({ operation, onClose }: { operation: Operation; onClose: () => void }) {
  const cancel = useCancel()
  return (
    <ConfirmDialog
      open
      title={`Cancel this ${kindOf(operation).toLowerCase()}?`}
      detail="Its process is stopped. What it had not finished is lost, and it does not go on by itself."
      confirm="Cancel it"
      busy={cancel.isPending}
      error={cancel.error}
      onConfirm={() => cancel.mutate(operation.name, { onSuccess: onClose })}
      onClose={onClose}
    />
  )
}
