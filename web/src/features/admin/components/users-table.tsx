import Box from '@mui/material/Box'
import Chip from '@mui/material/Chip'
import Typography from '@mui/material/Typography'
import { useSearchParams } from 'react-router'
import { type Column, DataTable } from '@/components/data-table'
import { type RowAction, RowMenu } from '@/components/row-menu'
import { ToneChip } from '@/components/tone-chip'
import { type ManagedUser, type Role, useUsers, type Wanted } from '@/features/admin/api/users'
import type { Deed } from '@/features/admin/components/user-deeds'
import { UsersFilter } from '@/features/admin/components/users-filter'
import { ROLES, roleTitle, standing } from '@/features/admin/roles'
import { useSessionState } from '@/lib/context'
import { formatMoment } from '@/lib/format'
import { usePages } from '@/lib/use-pages'

interface UsersTableProps {
  may: boolean
  onChange: (user: ManagedUser) => void
  onDeed: (user: ManagedUser, deed: Deed) => void
}

/** The accounts, found by the filters that the address holds. */
export function UsersTable({ may, onChange, onDeed }: UsersTableProps) {
  const state = useSessionState()
  const own = state.status === 'authenticated' ? state.user.id : ''
  const [parameters, setParameters] = useSearchParams()
  const wanted = wantedFrom(parameters)
  const { token, pages } = usePages(JSON.stringify(wanted))
  const users = useUsers(wanted, token)
  const actions = (user: ManagedUser): RowAction[] => [
    { title: 'Change …', onChoose: () => onChange(user) },
    ...(user.id === own ? [] : deeds(user, (deed) => onDeed(user, deed))),
  ]
  return (
    <DataTable
      label="Users"
      columns={may ? [...columns(own), actionColumn(actions)] : columns(own)}
      rows={users.data?.items ?? []}
      rowKey={(user) => user.id}
      asked={users}
      empty="Nobody fits these filters."
      toolbar={<UsersFilter wanted={wanted} onChange={(next) => setParameters(parametersOf(next), { replace: true, flushSync: true })} />}
      pages={pages(users.data)}
      minWidth={900}
    />
  )
}

function deeds(user: ManagedUser, choose: (deed: Deed) => void): RowAction[] {
  return [
    ...(user.disabled ? [{ title: 'Enable', onChoose: () => choose('enable') }] : [{ title: 'End sessions', onChoose: () => choose('end-sessions') }]),
    ...(user.second_factor ? [{ title: 'Reset two-factor login', onChoose: () => choose('reset-mfa') }] : []),
    ...(user.disabled ? [] : [{ title: 'Disable', onChoose: () => choose('disable'), danger: true }]),
    { title: 'Delete', onChoose: () => choose('erase'), danger: true },
  ]
}

const columns = (own: string): Column<ManagedUser>[] => [
  { title: 'Who', heads: true, cell: (user) => <Who user={user} own={user.id === own} /> },
  { title: 'Status', cell: (user) => <ToneChip {...standing(user)} />, nowrap: true },
  { title: 'Roles', cell: (user) => <Words words={user.roles.map(roleTitle)} /> },
  { title: 'Regions', cell: (user) => (user.regions.length ? <Words words={user.regions} /> : <Quiet>Every region</Quiet>) },
  { title: 'Last log-in', nowrap: true, cell: (user) => (user.last_login_at ? formatMoment(user.last_login_at) : <Quiet>Never</Quiet>) },
]

const actionColumn = (actions: (user: ManagedUser) => RowAction[]): Column<ManagedUser> => ({
  title: 'Actions',
  quiet: true,
  align: 'right',
  cell: (user) => <RowMenu label={`What can be done with ${user.email}`} actions={actions(user)} />,
})

function Who({ user, own }: { user: ManagedUser; own: boolean }) {
  return (
    <Box>
      {user.full_name}
      {own && <Quiet> (you)</Quiet>}
      <Typography variant="body2" color="textSecondary" sx={{ overflowWrap: 'anywhere' }}>
        {user.email}
      </Typography>
    </Box>
  )
}

function Words({ words }: { words: readonly string[] }) {
  return (
    <Box sx={{ display: 'flex', flexWrap: 'wrap', gap: 0.5 }}>
      {words.map((word) => (
        <Chip key={word} label={word} size="small" variant="outlined" />
      ))}
    </Box>
  )
}

function Quiet({ children }: { children: string }) {
  return (
    <Typography component="span" variant="body2" color="textSecondary">
      {children}
    </Typography>
  )
}

function wantedFrom(parameters: URLSearchParams): Wanted {
  const status = parameters.get('status')
  return {
    search: parameters.get('search') ?? '',
    role: ROLES.find(({ role }) => role === parameters.get('role'))?.role ?? ('' as Role | ''),
    disabled: status === 'disabled' ? true : status === 'enabled' ? false : undefined,
  }
}

function parametersOf({ search, role, disabled }: Wanted): Record<string, string> {
  const status = disabled === undefined ? '' : disabled ? 'disabled' : 'enabled'
  return Object.fromEntries(Object.entries({ search, role, status }).filter(([, value]) => value))
}
