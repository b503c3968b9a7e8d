import Box from '@mui/material/Box'
import Chip from '@mui/material/Chip'
import Stack from '@mui/material/Stack'
import Typography from '@mui/material/Typography'
import { useSearchParams } from 'react-router'
import { type Column, DataTable } from '@/components/data-table'
import { ExportButton } from '@/components/export-button'
import { PageHeader } from '@/components/page-header'
import { ToneChip } from '@/components/tone-chip'
import { actionTitle, isGrave } from '@/features/admin/actions'
import { type AuditEntry, type AuditFilter, EXPORT_MOST, NO_FILTER, useAuditExport, useAuditLog } from '@/features/admin/api/audit-log'
import { type ManagedUser, useUsersById } from '@/features/admin/api/users'
import { AuditFilterBar } from '@/features/admin/components/audit-filter-bar'
import { ChainState } from '@/features/admin/components/chain-state'
import { formatCount, formatSecond } from '@/lib/format'
import { usePages } from '@/lib/use-pages'

type People = ReadonlyMap<string, ManagedUser>
const NOBODY: People = new Map()

/** Who did what, when and from where. */
export function AuditPage() {
  const [parameters, setParameters] = useSearchParams()
  const filter = filterFrom(parameters)
  const { token, pages } = usePages(JSON.stringify(filter))
  const log = useAuditLog(filter, token)
  const people = useUsersById().data ?? NOBODY
  const save = useAuditExport(filter)
  // At once: what is chosen next must not be put upon the filter of before.
  const change = (next: AuditFilter) => setParameters(parametersOf(next), { replace: true, flushSync: true })
  const total = log.data?.total_size ?? 0
  return (
    <Stack spacing={3}>
      <PageHeader title="Audit log" detail="Who did what, when and from where. Entries are only ever added." />
      <ChainState />
      <DataTable
        label="Audit log"
        columns={columns(people)}
        rows={log.data?.items ?? []}
        rowKey={(entry) => String(entry.seq)}
        asked={log}
        empty="Nothing that fits these filters was done."
        toolbar={
          <>
            <AuditFilterBar filter={filter} users={[...people.values()]} onChange={change} />
            <Box sx={{ ml: 'auto' }}>
              <ExportButton
                title={total > EXPORT_MOST ? `Export the newest ${formatCount(EXPORT_MOST)}` : 'Export CSV'}
                disabled={total === 0}
                saving={save}
              />
            </Box>
          </>
        }
        pages={pages(log.data)}
        minWidth={1000}
      />
    </Stack>
  )
}

const columns = (people: People): Column<AuditEntry>[] => [
  { title: 'When', nowrap: true, cell: (entry) => entry.at && formatSecond(entry.at) },
  {
    title: 'What',
    heads: true,
    cell: ({ action }) => (isGrave(action) ? <ToneChip tone="warning" label={actionTitle(action)} /> : actionTitle(action)),
  },
  { title: 'Who', cell: (entry) => <Somebody id={entry.actor} people={people} /> },
  { title: 'To whom or what', cell: (entry) => <Somebody id={entry.target} people={people} /> },
  { title: 'From where', nowrap: true, cell: (entry) => entry.address || '–' },
  { title: 'Details', cell: (entry) => (Object.keys(entry.details).length > 0 ? <Details of={entry.details} /> : '–') },
  { title: 'Entry', align: 'right', cell: (entry) => <span title={`SHA-256 ${entry.hash}`}>{formatCount(entry.seq)}</span> },
]

/** A person by name where the id is of one; a session or key by its id. */
function Somebody({ id, people }: { id: string; people: People }) {
  const known = people.get(id)
  if (known) return <span title={id}>{known.email}</span>
  if (!id) return <>–</>
  return (
    <Typography component="code" variant="body2" title={id} sx={{ fontFamily: 'monospace' }}>
      {id.length > 14 ? `${id.slice(0, 12)}…` : id}
    </Typography>
  )
}

function Details({ of }: { of: AuditEntry['details'] }) {
  return (
    <Box sx={{ display: 'flex', flexWrap: 'wrap', gap: 0.5 }}>
      {Object.entries(of).map(([name, value]) => (
        <Chip
          key={name}
          size="small"
          variant="outlined"
          label={`${name.replaceAll('_', ' ')}: ${value}`}
          sx={{ height: 'auto', '& .MuiChip-label': { whiteSpace: 'normal', overflowWrap: 'anywhere', py: 0.25 } }}
        />
      ))}
    </Box>
  )
}

function filterFrom(parameters: URLSearchParams): AuditFilter {
  return Object.fromEntries(Object.keys(NO_FILTER).map((name) => [name, parameters.get(name) ?? ''])) as unknown as AuditFilter
}

function parametersOf(filter: AuditFilter): Record<string, string> {
  return Object.fromEntries(Object.entries(filter).filter(([, value]) => value))
}
