import MenuItem from '@mui/material/MenuItem'
import TextField from '@mui/material/TextField'
import { useEffect, useEffectEvent, useState } from 'react'
import type { Wanted } from '@/features/admin/api/users'
import { ROLES } from '@/features/admin/roles'
import { useSettled } from '@/lib/use-settled'

interface UsersFilterProps {
  wanted: Wanted
  onChange: (wanted: Wanted) => void
}

/** Whom to list: part of a name or address, a role, a state. */
export function UsersFilter({ wanted, onChange }: UsersFilterProps) {
  const [search, setSearch] = useState(wanted.search)
  const settled = useSettled(search.trim())
  const look = useEffectEvent((found: string) => found !== wanted.search && onChange({ ...wanted, search: found }))
  useEffect(() => void look(settled), [settled])
  return (
    <>
      <TextField
        label="Name or e-mail"
        type="search"
        size="small"
        value={search}
        onChange={(event) => setSearch(event.target.value)}
        sx={{ flex: { xs: '1 1 100%', sm: '0 1 280px' } }}
      />
      <TextField
        select
        label="Role"
        size="small"
        value={wanted.role}
        onChange={(event) => onChange({ ...wanted, role: event.target.value as Wanted['role'] })}
        sx={{ minWidth: 150, flex: { xs: 1, sm: 'none' } }}
      >
        <MenuItem value="">Every role</MenuItem>
        {ROLES.map(({ role, title }) => (
          <MenuItem key={role} value={role}>
            {title}
          </MenuItem>
        ))}
      </TextField>
      <TextField
        select
        label="Status"
        size="small"
        value={wanted.disabled === undefined ? '' : String(wanted.disabled)}
        onChange={(event) => onChange({ ...wanted, disabled: event.target.value === '' ? undefined : event.target.value === 'true' })}
        sx={{ minWidth: 150, flex: { xs: 1, sm: 'none' } }}
      >
        <MenuItem value="">All</MenuItem>
        <MenuItem value="false">Enabled</MenuItem>
        <MenuItem value="true">Disabled</MenuItem>
      </TextField>
    </>
  )
}
