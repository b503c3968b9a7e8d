import Button from '@mui/material/Button'
import Dialog from '@mui/material/Dialog'
import DialogActions from '@mui/material/DialogActions'
import DialogContent from '@mui/material/DialogContent'
import DialogTitle from '@mui/material/DialogTitle'
import FormControlLabel from '@mui/material/FormControlLabel'
import Stack from '@mui/material/Stack'
import Switch from '@mui/material/Switch'
import TextField from '@mui/material/TextField'
import { type SubmitEvent, useId, useState } from 'react'
import { entry } from '@/components/entry'
import { FormProblem } from '@/components/form-problem'
import { useRegisterSystem } from '@/features/systems/api/systems'
import { problemFromError } from '@/lib/problem'

const FIELDS = ['name', 'title', 'prefix', 'address', 'description', 'tls']

/** Asks what a further system is called and where it answers, and registers it. */
export function RegisterDialog({ onDone, onClose }: { onDone: (title: string) => void; onClose: () => void }) {
  const heading = useId()
  const [title, setTitle] = useState('')
  const [name, setName] = useState<string>()
  const [prefix, setPrefix] = useState<string>()
  const [address, setAddress] = useState('')
  const [description, setDescription] = useState('')
  const [tls, setTls] = useState(false)
  const register = useRegisterSystem()
  const problem = register.error && problemFromError(register.error)
  const wanted = {
    title: title.trim(),
    name: name ?? words(title).join('_'),
    prefix: prefix ?? words(title).join('-'),
    address: address.trim(),
    description: description.trim(),
    tls,
  }
  const field = (label: string, key: 'name' | 'prefix' | 'address' | 'title', set: (value: string) => void, value: string, hint: string) => {
    const shown = entry(value, set, problem?.field(key))
    return <TextField label={label} name={key} autoComplete="off" autoFocus={key === 'title'} {...shown} helperText={shown.helperText ?? hint} />
  }
  const submit = (event: SubmitEvent) => {
    event.preventDefault()
    register.mutate(wanted, { onSuccess: () => onDone(wanted.title) })
  }
  return (
    <Dialog open onClose={register.isPending ? undefined : onClose} fullWidth maxWidth="sm" aria-labelledby={heading}>
      <form onSubmit={submit} noValidate>
        <DialogTitle id={heading}>Register a system</DialogTitle>
        <DialogContent>
          <Stack spacing={2} sx={{ pt: 1 }}>
            {problem && <FormProblem problem={problem} fields={FIELDS} />}
            {field('Title', 'title', setTitle, title, 'As people call it')}
            {field('Name', 'name', setName, wanted.name, 'Its proto packages begin with it, and so do its permissions')}
            {field('Prefix', 'prefix', setPrefix, wanted.prefix, `It answers under /api/v1/${wanted.prefix || '…'}`)}
            {field('gRPC address', 'address', setAddress, address, 'host:port; it must offer gRPC reflection')}
            <TextField
              label="What it is for"
              name="description"
              multiline
              minRows={2}
              value={description}
              onChange={(event) => setDescription(event.target.value)}
              error={Boolean(problem?.field('description'))}
              helperText={problem?.field('description')}
            />
            <FormControlLabel
              control={<Switch checked={tls} onChange={(event) => setTls(event.target.checked)} />}
              label="Call it over TLS, as every system must be that is on another machine"
            />
          </Stack>
        </DialogContent>
        <DialogActions sx={{ px: 3, pb: 2.5 }}>
          <Button color="inherit" onClick={onClose} disabled={register.isPending}>
            Cancel
          </Button>
          <Button type="submit" variant="contained" loading={register.isPending} disabled={!wanted.title || !wanted.name || !wanted.prefix || !wanted.address}>
            Register
          </Button>
        </DialogActions>
      </form>
    </Dialog>
  )
}

/** The words of a title in plain letters, of which a name and a prefix can be made. */
function words(title: string): string[] {
  return title
    .normalize('NFKD')
    .replace(/\p{Mark}/gu, '')
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .filter(Boolean)
}
