import Autocomplete from '@mui/material/Autocomplete'
import Button from '@mui/material/Button'
import TextField from '@mui/material/TextField'
import { useEffect, useEffectEvent, useState } from 'react'
import { ACTION_GROUPS } from '@/features/admin/actions'
import { type AuditFilter, NO_FILTER } from '@/features/admin/api/audit-log'
import type { ManagedUser } from '@/features/admin/api/users'
import { useSettled } from '@/lib/use-settled'

interface AuditFilterBarProps {
  filter: AuditFilter
  users: readonly ManagedUser[]
  onChange: (filter: AuditFilter) => void
}

const WIDE = { flex: { xs: '1 1 100%', sm: '1 1 190px' }, maxWidth: { sm: 260 } }

/** Who, what, to whom, from where and when. */
export function AuditFilterBar({ filter, users, onChange }: AuditFilterBarProps) {
  const set = (change: Partial<AuditFilter>) => onChange({ ...filter, ...change })
  const people = [...users.map(({ id, email }) => ({ value: id, title: email })), { value: 'shell', title: 'shell (commands)' }]
  const actions = ACTION_GROUPS.map(({ action, title }) => ({ value: action, title: `${title} (${action})` }))
  return (
    <>
      <Choice label="Who did it" value={filter.actor} options={people} onChange={(actor) => set({ actor })} />
      <Choice label="What was done" value={filter.action} options={actions} onChange={(action) => set({ action })} />
      <Choice label="To whom or what" value={filter.target} options={people} onChange={(target) => set({ target })} />
      <Address key={filter.address} value={filter.address} onChange={(address) => set({ address })} />
      <Day label="From" value={filter.from} onChange={(from) => set({ from })} />
      <Day label="To" value={filter.to} onChange={(to) => set({ to })} />
      {Object.values(filter).some(Boolean) && (
        <Button color="inherit" onClick={() => onChange(NO_FILTER)}>
          Clear
        </Button>
      )}
    </>
  )
}

interface ChoiceProps {
  label: string
  value: string
  options: readonly { value: string; title: string }[]
  onChange: (value: string) => void
}

/** One of the known values, or another that is typed as it is. */
function Choice({ label, value, options, onChange }: ChoiceProps) {
  const titleOf = (one: string) => options.find((option) => option.value === one)?.title ?? one
  return (
    <Autocomplete
      freeSolo
      size="small"
      options={options.map((option) => option.value)}
      getOptionLabel={titleOf}
      value={value || null}
      onChange={(_, chosen) => onChange(chosen?.trim() ?? '')}
      renderInput={(input) => <TextField {...input} label={label} />}
      sx={WIDE}
    />
  )
}

function Address({ value, onChange }: { value: string; onChange: (value: string) => void }) {
  const [typed, setTyped] = useState(value)
  const settled = useSettled(typed.trim(), 400)
  const look = useEffectEvent((found: string) => found !== value && onChange(found))
  useEffect(() => void look(settled), [settled])
  return <TextField label="From which address" size="small" value={typed} onChange={(event) => setTyped(event.target.value)} sx={WIDE} />
}

function Day({ label, value, onChange }: { label: string; value: string; onChange: (value: string) => void }) {
  return (
    <TextField
      label={label}
      type="date"
      size="small"
      value={value}
      onChange={(event) => onChange(event.target.value)}
      slotProps={{ inputLabel: { shrink: true } }}
      sx={{ flex: { xs: '1 1 130px', sm: '0 1 150px' } }}
    />
  )
}
