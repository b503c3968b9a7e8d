import Button from '@mui/material/Button'
import Dialog from '@mui/material/Dialog'
import DialogActions from '@mui/material/DialogActions'
import DialogContent from '@mui/material/DialogContent'
import DialogTitle from '@mui/material/DialogTitle'
import MenuItem from '@mui/material/MenuItem'
import TextField from '@mui/material/TextField'
import { type SubmitEvent, useId, useState } from 'react'
import { entry } from '@/components/entry'
import { FormProblem } from '@/components/form-problem'
import { useCreateApiKey } from '@/features/account/api/api-keys'
import { ScopeChoice } from '@/features/account/components/scope-choice'
import { useSessionState } from '@/lib/context'
import { formatDay } from '@/lib/format'
import { problemFromError } from '@/lib/problem'

const LIFETIMES_DAYS = [7, 30, 90, 180, 365]
const USUAL_DAYS = 90
const LONGEST_NAME = 100

interface CreateKeyDialogProps {
  onMade: (secret: string) => void
  onClose: () => void
}

/** Makes a key: what it is for, what it may do, how long it holds. */
export function CreateKeyDialog({ onMade, onClose }: CreateKeyDialogProps) {
  const state = useSessionState()
  const named = useId()
  const [name, setName] = useState('')
  const [scopes, setScopes] = useState<readonly string[]>([])
  const [days, setDays] = useState(USUAL_DAYS)
  const create = useCreateApiKey()
  const problem = create.error && problemFromError(create.error)
  if (state.status !== 'authenticated') return null
  const submit = (event: SubmitEvent) => {
    event.preventDefault()
    create.mutate({ name: name.trim(), scopes: [...scopes], expires_in_days: days }, { onSuccess: ({ key }) => onMade(key) })
  }
  return (
    <Dialog open onClose={create.isPending ? undefined : onClose} aria-labelledby={named} maxWidth="sm" fullWidth>
      <DialogTitle id={named}>Make a key</DialogTitle>
      <form onSubmit={submit} aria-label="Make a key">
        <DialogContent sx={{ display: 'grid', gap: 2.5, maxHeight: 'calc(100dvh - 220px)', '&&': { pt: 1 } }}>
          {problem && <FormProblem problem={problem} fields={['name', 'scopes', 'expires_in_days']} />}
          <TextField
            label="What it is for"
            name="name"
            autoComplete="off"
            placeholder="nightly export"
            autoFocus
            {...entry(name, setName, problem?.field('name'))}
            slotProps={{ htmlInput: { maxLength: LONGEST_NAME } }}
          />
          <ScopeChoice held={state.user.permissions} chosen={scopes} onChange={setScopes} wrong={problem?.field('scopes')} />
          <TextField
            label="Holds for"
            select
            {...entry(String(days), (chosen) => setDays(Number(chosen)), problem?.field('expires_in_days'))}
            helperText={problem?.field('expires_in_days') ?? `Until ${formatDay(dayIn(days))}. Rotate it before then.`}
          >
            {LIFETIMES_DAYS.map((choice) => (
              <MenuItem key={choice} value={String(choice)}>
                {choice} days
              </MenuItem>
            ))}
          </TextField>
        </DialogContent>
        <DialogActions sx={{ px: 3, py: 2 }}>
          <Button onClick={onClose} disabled={create.isPending}>
            Cancel
          </Button>
          <Button type="submit" variant="contained" loading={create.isPending} disabled={!name.trim() || scopes.length === 0}>
            Make the key
          </Button>
        </DialogActions>
      </form>
    </Dialog>
  )
}

function dayIn(days: number): string {
  return new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 10)
}
