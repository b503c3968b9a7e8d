import Button from '@mui/material/Button'
import Stack from '@mui/material/Stack'
import { type SubmitEvent, useState } from 'react'
import { entry } from '@/components/entry'
import { FormProblem } from '@/components/form-problem'
import { PasswordChecklist } from '@/components/password-checklist'
import { PasswordField } from '@/components/password-field'
import { passwordRules } from '@/components/password-rules'
import { useResetPassword } from '@/features/auth/api/recovery'
import { AuthPage } from '@/features/auth/components/auth-page'
import { LinkOver, Onward } from '@/features/auth/components/link-outcome'
import { useMailToken, usePlatform } from '@/lib/context'
import { problemFromError } from '@/lib/problem'

/** Choose a new password: where links from mails lead, those of invitations too. */
export function ResetPasswordPage() {
  const { mailLink } = usePlatform()
  const token = useMailToken()
  const [password, setPassword] = useState('')
  const reset = useResetPassword()
  const problem = reset.error && problemFromError(reset.error)
  if (reset.isSuccess)
    return (
      <AuthPage title="Your password is set" detail="Every session of the account has ended. Log in with the new password.">
        <Onward to="/login">Log in</Onward>
      </AuthPage>
    )
  if (token === undefined || problem?.reason === 'LINK_INVALID') return <LinkOver problem={problem} again="/forgot-password" />
  const rules = passwordRules(password)
  const submit = (event: SubmitEvent) => {
    event.preventDefault()
    reset.mutate({ token, new_password: password }, { onSuccess: () => mailLink.forget() })
  }
  return (
    <AuthPage title="Choose a password" detail="It replaces the old one, and every session of the account ends.">
      <Stack component="form" spacing={2.5} onSubmit={submit} noValidate aria-label="Choose a password">
        {problem && <FormProblem problem={problem} fields={['new_password']} />}
        <PasswordField
          label="New password"
          name="new_password"
          autoComplete="new-password"
          autoFocus
          {...entry(password, setPassword, problem?.field('new_password'))}
        />
        <PasswordChecklist rules={rules} />
        <Button
          type="submit"
          variant="contained"
          size="large"
          loading={reset.isPending}
          disabled={rules.some((rule) => rule.met === false)}
        >
          Set the password
        </Button>
      </Stack>
    </AuthPage>
  )
}
