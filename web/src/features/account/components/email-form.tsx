import Alert from '@mui/material/Alert'
import Box from '@mui/material/Box'
import Button from '@mui/material/Button'
import Stack from '@mui/material/Stack'
import TextField from '@mui/material/TextField'
import Typography from '@mui/material/Typography'
import { type SubmitEvent, useState } from 'react'
import { entry } from '@/components/entry'
import { FormProblem } from '@/components/form-problem'
import { PasswordField } from '@/components/password-field'
import { useUpdateMe } from '@/features/account/api/profile'
import { problemFromError } from '@/lib/problem'

/** Shows the address, and asks for another: that one counts once the link sent to it was opened. */
export function EmailForm({ email }: { email: string }) {
  const [open, setOpen] = useState(false)
  const [pending, setPending] = useState<string>()
  return (
    <Stack spacing={2}>
      <Box sx={{ display: 'flex', flexWrap: 'wrap', gap: 1.5, alignItems: 'center' }}>
        <Typography sx={{ flex: '1 1 240px', minWidth: 0, overflowWrap: 'anywhere' }}>{email}</Typography>
        {!open && (
          <Button variant="outlined" onClick={() => setOpen(true)}>
            Change the address
          </Button>
        )}
      </Box>
      {pending && (
        <Alert severity="info" variant="outlined">
          A link is on its way to {pending}. Open it within 2 hours; until then your address stays as it is.
        </Alert>
      )}
      {open && (
        <NewAddress
          onAsked={(address) => {
            setPending(address)
            setOpen(false)
          }}
          onCancel={() => setOpen(false)}
        />
      )}
    </Stack>
  )
}

function NewAddress({ onAsked, onCancel }: { onAsked: (address: string | undefined) => void; onCancel: () => void }) {
  const [email, setEmail] = useState('')
  const [password, setPassword] = useState('')
  const update = useUpdateMe()
  const problem = update.error && problemFromError(update.error)
  const submit = (event: SubmitEvent) => {
    event.preventDefault()
    update.mutate(
      { email: email.trim(), current_password: password },
      { onSuccess: ({ pending_email }) => onAsked(pending_email) },
    )
  }
  return (
    <Stack component="form" spacing={2} onSubmit={submit} aria-label="Change the address">
      {problem && <FormProblem problem={problem} fields={['email', 'current_password']} />}
      <TextField
        label="New e-mail address"
        type="email"
        name="email"
        autoComplete="email"
        size="small"
        autoFocus
        {...entry(email, setEmail, problem?.field('email'))}
      />
      <PasswordField
        label="Present password"
        name="current_password"
        autoComplete="current-password"
        size="small"
        {...entry(password, setPassword, problem?.field('current_password'))}
      />
      <Stack direction="row" spacing={1}>
        <Button type="submit" variant="contained" loading={update.isPending} disabled={!email.trim() || !password}>
          Send the link
        </Button>
        <Button onClick={onCancel} disabled={update.isPending}>
          Cancel
        </Button>
      </Stack>
    </Stack>
  )
}
