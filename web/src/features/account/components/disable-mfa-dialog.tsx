import Button from '@mui/material/Button'
import Dialog from '@mui/material/Dialog'
import DialogActions from '@mui/material/DialogActions'
import DialogContent from '@mui/material/DialogContent'
import DialogTitle from '@mui/material/DialogTitle'
import TextField from '@mui/material/TextField'
import Typography from '@mui/material/Typography'
import { type SubmitEvent, useId, useState } from 'react'
import { entry } from '@/components/entry'
import { FormProblem } from '@/components/form-problem'
import { PasswordField } from '@/components/password-field'
import { useDisableMfa } from '@/features/account/api/mfa'
import { usePlatform } from '@/lib/context'
import { problemFromError } from '@/lib/problem'

/** Turns two-factor login off, for whoever has both the password and a code. */
export function DisableMfaDialog({ onClose }: { onClose: () => void }) {
  const { session } = usePlatform()
  const named = useId()
  const [password, setPassword] = useState('')
  const [code, setCode] = useState('')
  const disable = useDisableMfa()
  const problem = disable.error && problemFromError(disable.error)
  const submit = (event: SubmitEvent) => {
    event.preventDefault()
    disable.mutate(
      { password, code: code.trim() },
      {
        onSuccess: () => {
          void session.refresh().catch(() => undefined)
          onClose()
        },
      },
    )
  }
  return (
    <Dialog open onClose={disable.isPending ? undefined : onClose} aria-labelledby={named} maxWidth="xs" fullWidth>
      <DialogTitle id={named}>Turn two-factor login off?</DialogTitle>
      <form onSubmit={submit} aria-label="Turn two-factor login off">
        <DialogContent sx={{ display: 'grid', gap: 2, pt: 0 }}>
          <Typography variant="body2" color="textSecondary">
            From then on the password alone lets somebody in, and your recovery codes are worth nothing.
          </Typography>
          {problem && <FormProblem problem={problem} fields={['current_password']} />}
          <PasswordField
            label="Present password"
            name="password"
            autoComplete="current-password"
            autoFocus
            {...entry(password, setPassword, problem?.field('current_password'))}
          />
          <TextField
            label="Code of the app, or a recovery code"
            name="code"
            autoComplete="one-time-code"
            {...entry(code, setCode, undefined)}
          />
        </DialogContent>
        <DialogActions sx={{ px: 3, pb: 2.5 }}>
          <Button onClick={onClose} disabled={disable.isPending}>
            Cancel
          </Button>
          <Button type="submit" variant="contained" color="error" loading={disable.isPending} disabled={!password || !code.trim()}>
            Turn off
          </Button>
        </DialogActions>
      </form>
    </Dialog>
  )
}
