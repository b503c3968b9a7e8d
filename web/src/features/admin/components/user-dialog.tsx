import Button from '@mui/material/Button'
import Dialog from '@mui/material/Dialog'
import DialogActions from '@mui/material/DialogActions'
import DialogContent from '@mui/material/DialogContent'
import DialogTitle from '@mui/material/DialogTitle'
import Stack from '@mui/material/Stack'
import TextField from '@mui/material/TextField'
import { type SubmitEvent, useId, useState } from 'react'
import { entry } from '@/components/entry'
import { FormProblem } from '@/components/form-problem'
import { type ManagedUser, type Role, useChangeUser, useInvite } from '@/features/admin/api/users'
import { type Access, AccessFields } from '@/features/admin/components/access-fields'
import { problemFromError } from '@/lib/problem'

const FIELDS = ['email', 'full_name', 'roles', 'regions']

interface UserDialogProps {
  /** The account to change; without one somebody is invited. */
  user: ManagedUser | undefined
  onDone: (said: string) => void
  onClose: () => void
}

/** A form that invites somebody, or changes what an account is called and may do. */
export function UserDialog({ user, onDone, onClose }: UserDialogProps) {
  const heading = useId()
  const [email, setEmail] = useState(user?.email ?? '')
  const [fullName, setFullName] = useState(user?.full_name ?? '')
  const [access, setAccess] = useState<Access>({ roles: (user?.roles as Role[] | undefined) ?? ['viewer'], regions: user?.regions ?? [] })
  const invite = useInvite()
  const change = useChangeUser()
  const sent = user ? change : invite
  const problem = sent.error && problemFromError(sent.error)
  const submit = (event: SubmitEvent) => {
    event.preventDefault()
    const full_name = fullName.trim()
    if (user) {
      const limits = access.regions.length ? { regions: access.regions } : { all_regions: true }
      const wanted = { id: user.id, change: { full_name, roles: access.roles, ...limits } }
      change.mutate(wanted, { onSuccess: () => onDone(`${full_name} was changed.`) })
    } else {
      const invitation = { email: email.trim(), full_name, ...access }
      invite.mutate(invitation, { onSuccess: () => onDone(`An invitation is on its way to ${email.trim()}.`) })
    }
  }
  return (
    <Dialog open onClose={onClose} fullWidth maxWidth="sm" aria-labelledby={heading}>
      <form onSubmit={submit} noValidate>
        <DialogTitle id={heading} sx={{ pb: 1 }}>
          {user ? `Change ${user.full_name}` : 'Invite a user'}
        </DialogTitle>
        <DialogContent>
          <Stack spacing={2.5} sx={{ pt: 1 }}>
            {problem && <FormProblem problem={problem} fields={FIELDS} />}
            {!user && (
              <TextField
                label="E-mail"
                type="email"
                name="email"
                autoComplete="off"
                autoFocus
                {...entry(email, setEmail, problem?.field('email') ?? (problem?.reason === 'EMAIL_TAKEN' ? problem.message : undefined))}
              />
            )}
            <TextField label="Full name" name="full_name" autoComplete="off" {...entry(fullName, setFullName, problem?.field('full_name'))} />
            <AccessFields access={access} onChange={setAccess} wrong={(field) => problem?.field(field)} />
          </Stack>
        </DialogContent>
        <DialogActions sx={{ px: 3, pb: 2.5 }}>
          <Button color="inherit" onClick={onClose}>
            Cancel
          </Button>
          <Button
            type="submit"
            variant="contained"
            loading={sent.isPending}
            disabled={!email.trim() || !fullName.trim() || access.roles.length === 0}
          >
            {user ? 'Save' : 'Send the invitation'}
          </Button>
        </DialogActions>
      </form>
    </Dialog>
  )
}
