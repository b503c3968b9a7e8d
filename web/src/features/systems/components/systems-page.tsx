import Button from '@mui/material/Button'
import Stack from '@mui/material/Stack'
import Typography from '@mui/material/Typography'
import { useState } from 'react'
import { ConfirmDialog } from '@/components/confirm-dialog'
import { type Column, DataTable } from '@/components/data-table'
import { PlusIcon } from '@/components/icons'
import { PageHeader } from '@/components/page-header'
import { type RowAction, RowMenu } from '@/components/row-menu'
import { Said } from '@/components/said'
import { type Tone, ToneChip } from '@/components/tone-chip'
import { type System, useRemoveSystem, useSystems } from '@/features/systems/api/systems'
import { RegisterDialog } from '@/features/systems/components/register-dialog'
import { SystemDialog } from '@/features/systems/components/system-dialog'
import { useMay } from '@/lib/context'

const STATUS: Record<System['status'], { tone: Tone; label: string }> = {
  up: { tone: 'success', label: 'Running' },
  down: { tone: 'error', label: 'Not answering' },
  not_running: { tone: 'neutral', label: 'Not running' },
}

/** The systems that the platform serves, those of its own and those registered at run time. */
export function SystemsPage() {
  const systems = useSystems()
  const may = useMay('platform:manage')
  const [registering, setRegistering] = useState(false)
  const [shown, setShown] = useState<System>()
  const [removing, setRemoving] = useState<System>()
  const [said, setSaid] = useState('')
  const actions = (system: System): RowAction[] => [
    { title: 'Details', onChoose: () => setShown(system) },
    ...(may && system.registered ? [{ title: 'Remove', onChoose: () => setRemoving(system), danger: true }] : []),
  ]
  return (
    <Stack spacing={3}>
      <Stack direction={{ xs: 'column', sm: 'row' }} spacing={2} sx={{ justifyContent: 'space-between', alignItems: { sm: 'flex-end' } }}>
        <PageHeader
          title="Systems"
          detail="What answers under which path. A further system is registered by its address: its contract is read there, and its API appears at once."
        />
        {may && (
          <Button variant="contained" startIcon={<PlusIcon />} onClick={() => setRegistering(true)} sx={{ flex: 'none' }}>
            Register a system
          </Button>
        )}
      </Stack>
      <DataTable
        label="Systems"
        columns={columns(actions)}
        rows={systems.data?.items ?? []}
        rowKey={(system) => system.name}
        asked={systems}
        empty="There are no systems."
        minWidth={860}
      />
      {registering && (
        <RegisterDialog
          onDone={(title) => {
            setRegistering(false)
            setSaid(`${title} is served now.`)
          }}
          onClose={() => setRegistering(false)}
        />
      )}
      {shown && <SystemDialog system={shown} onClose={() => setShown(undefined)} />}
      {removing && (
        <Remove
          system={removing}
          onDone={() => {
            setRemoving(undefined)
            setSaid(`${removing.title} was removed.`)
          }}
          onClose={() => setRemoving(undefined)}
        />
      )}
      <Said what={said} onClose={() => setSaid('')} />
    </Stack>
  )
}

const columns = (actions: (system: System) => RowAction[]): Column<System>[] => [
  { title: 'System', heads: true, cell: (system) => <Titled system={system} /> },
  { title: 'Status', nowrap: true, cell: ({ status }) => <ToneChip {...STATUS[status]} /> },
  { title: 'Path', nowrap: true, cell: ({ prefix }) => <code>/api/v1/{prefix}</code> },
  { title: 'Origin', nowrap: true, cell: ({ registered }) => (registered ? 'Registered' : 'Part of the platform') },
  {
    title: 'Actions',
    quiet: true,
    align: 'right',
    cell: (system) => <RowMenu label={`What can be done with ${system.title}`} actions={actions(system)} />,
  },
]

function Titled({ system }: { system: System }) {
  return (
    <>
      {system.title}
      <Typography variant="body2" color="textSecondary" sx={{ pr: { xs: 4, md: 0 } }}>
        {system.description || system.name}
      </Typography>
    </>
  )
}

function Remove({ system, onDone, onClose }: { system: System; onDone: () => void; onClose: () => void }) {
  const remove = useRemoveSystem()
  return (
    <ConfirmDialog
      open
      title={`Remove ${system.title}?`}
      detail={
        <>
          Everything under <code>/api/v1/{system.prefix}</code> is answered with 404 within a second, on every gateway. The
          system itself goes on running, its tables stay in the lake, and it can be registered again.
        </>
      }
      confirm="Remove"
      busy={remove.isPending}
      error={remove.error}
      onConfirm={() => remove.mutate(system.name, { onSuccess: onDone })}
      onClose={onClose}
    />
  )
}
