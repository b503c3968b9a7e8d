import TextField from '@mui/material/TextField'
import Typography from '@mui/material/Typography'
import { type ReactNode, useState } from 'react'
import { ConfirmDialog } from '@/components/confirm-dialog'
import { type ManagedUser, useChangeUser, useEndSessions, useEraseUser, useResetMfa } from '@/features/admin/api/users'

export type Deed = 'disable' | 'enable' | 'end-sessions' | 'reset-mfa' | 'erase'

interface UserDeedProps {
  user: ManagedUser
  deed: Deed
  onDone: (said: string) => void
  onClose: () => void
}

/** Asks before something is done to an account, and does it. */
export function UserDeed({ deed, ...rest }: UserDeedProps) {
  if (deed === 'erase') return <Erase {...rest} />
  if (deed === 'end-sessions') return <EndSessions {...rest} />
  if (deed === 'reset-mfa') return <ResetMfa {...rest} />
  return <Disable {...rest} disabled={deed === 'disable'} />
}

type Props = Omit<UserDeedProps, 'deed'>

function Disable({ user, onDone, onClose, disabled }: Props & { disabled: boolean }) {
  const change = useChangeUser()
  const said = `${user.full_name} ${disabled ? 'can no longer log in.' : 'can log in again.'}`
  return (
    <ConfirmDialog
      open
      title={disabled ? `Disable ${user.full_name}?` : `Let ${user.full_name} in again?`}
      detail={
        disabled
          ? 'Every session ends and API keys are refused, within a second. Nothing is deleted; the account can be enabled again.'
          : 'The account and its API keys may be used again, with the same roles.'
      }
      confirm={disabled ? 'Disable' : 'Enable'}
      tone={disabled ? 'error' : 'primary'}
      busy={change.isPending}
      error={change.error}
      onConfirm={() => change.mutate({ id: user.id, change: { disabled } }, { onSuccess: () => onDone(said) })}
      onClose={onClose}
    />
  )
}

function EndSessions({ user, onDone, onClose }: Props) {
  const end = useEndSessions()
  const tell = ({ sessions_ended: ended }: { sessions_ended: number }) =>
    onDone(`${ended} ${ended === 1 ? 'session' : 'sessions'} of ${user.full_name} ended.`)
  return (
    <ConfirmDialog
      open
      title={`End the sessions of ${user.full_name}?`}
      detail="They are logged out everywhere within a second, and may log in again. API keys go on working."
      confirm="End sessions"
      busy={end.isPending}
      error={end.error}
      onConfirm={() => end.mutate(user.id, { onSuccess: tell })}
      onClose={onClose}
    />
  )
}

function ResetMfa({ user, onDone, onClose }: Props) {
  const reset = useResetMfa()
  return (
    <ConfirmDialog
      open
      title={`Turn off two-factor login for ${user.full_name}?`}
      detail="Do this only if you are sure who asks: from then on the password alone is enough. All their sessions end, and a mail tells them."
      confirm="Turn it off"
      busy={reset.isPending}
      error={reset.error}
      onConfirm={() => reset.mutate(user.id, { onSuccess: () => onDone(`Two-factor login of ${user.full_name} is off.`) })}
      onClose={onClose}
    />
  )
}

function Erase({ user, onDone, onClose }: Props) {
  const [typed, setTyped] = useState('')
  const erase = useEraseUser()
  const agreed = typed.trim().toLowerCase() === user.email
  return (
    <ConfirmDialog
      open
      title={`Delete ${user.full_name}?`}
      detail={
        <Agreement email={user.email}>
          <TextField
            label="E-mail of the account"
            size="small"
            fullWidth
            autoComplete="off"
            value={typed}
            onChange={(event) => setTyped(event.target.value)}
          />
        </Agreement>
      }
      confirm="Delete for good"
      disabled={!agreed}
      busy={erase.isPending}
      error={erase.error}
      onConfirm={() => erase.mutate(user.id, { onSuccess: () => onDone(`The account of ${user.full_name} was deleted.`) })}
      onClose={onClose}
    />
  )
}

function Agreement({ email, children }: { email: string; children: ReactNode }) {
  return (
    <>
      <Typography variant="body2" sx={{ mb: 2 }}>
        Name, e-mail address, sessions and API keys are erased, and cannot be brought back. What the account did stays in
        the audit log under its id. Type <b>{email}</b> to go on.
      </Typography>
      {children}
    </>
  )
}
