import Alert from '@mui/material/Alert'
import Button from '@mui/material/Button'
import Stack from '@mui/material/Stack'
import { type SubmitEvent, useState } from 'react'
import { entry } from '@/components/entry'
import { FormProblem } from '@/components/form-problem'
import { PasswordChecklist } from '@/components/password-checklist'
import { PasswordField } from '@/components/password-field'
import { passwordRules } from '@/components/password-rules'
import { useChangePassword } from '@/features/account/api/profile'
import { problemFromError } from '@/lib/problem'
import type { User } from '@/lib/session'

/** Changes the password. */
export function PasswordForm({ user }: { user: User }) {
  const [present, setPresent] = useState('')
  const [chosen, setChosen] = useState('')
  const change = useChangePassword()
  const problem = change.error && problemFromError(change.error)
  const rules = passwordRules(chosen, user)
  const complete = present && rules.every((rule) => rule.met !== false)
  const submit = (event: SubmitEvent) => {
    event.preventDefault()
    change.mutate(
      { current_password: present, new_password: chosen },
      {
        onSuccess: () => {
          setPresent('')
          setChosen('')
        },
      },
    )
  }
  return (
    <Stack component="form" spacing={2} onSubmit={submit} noValidate aria-label="Change the password">
      {change.isSuccess && (
        <Alert severity="success" variant="outlined">
          {ended(change.data.sessions_ended)}
        </Alert>
      )}
      {problem && <FormProblem problem={problem} fields={['current_password', 'new_password']} />}
      {/* Tells password managers whose password it is. */}
      <input type="text" name="username" autoComplete="username" value={user.email} readOnly hidden />
      <PasswordField
        label="Present password"
        name="current_password"
        autoComplete="current-password"
        size="small"
        {...entry(present, setPresent, problem?.field('current_password'))}
      />
      <PasswordField
        label="New password"
        name="new_password"
        autoComplete="new-password"
        size="small"
        {...entry(chosen, setChosen, problem?.field('new_password'))}
      />
      <PasswordChecklist rules={rules} />
      <Button type="submit" variant="contained" loading={change.isPending} disabled={!complete} sx={{ alignSelf: 'flex-start' }}>
        Change the password
      </Button>
    </Stack>
  )
}

function ended(sessions: number): string {
  const others = sessions === 0 ? 'There was no other session.' : `${sessions} other ${sessions === 1 ? 'session' : 'sessions'} ended.`
  return `Your password is changed. ${others}`
}
