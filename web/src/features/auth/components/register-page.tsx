import Button from '@mui/material/Button'
import Link from '@mui/material/Link'
import Stack from '@mui/material/Stack'
import TextField from '@mui/material/TextField'
import Typography from '@mui/material/Typography'
import { type SubmitEvent, useState } from 'react'
import { Link as RouterLink, useLocation, useNavigate } from 'react-router'
import { useRegister } from '@/features/auth/api/register'
import { AuthPage } from '@/features/auth/components/auth-page'
import { FormProblem } from '@/components/form-problem'
import { PasswordChecklist } from '@/components/password-checklist'
import { PasswordField } from '@/components/password-field'
import { entry } from '@/components/entry'
import { passwordRules } from '@/components/password-rules'
import { type Problem, problemFromError } from '@/lib/problem'

const FIELDS = ['email', 'password', 'full_name'] as const

/** Make an account; log-in follows with the e-mail already there. */
export function RegisterPage() {
  const [fullName, setFullName] = useState('')
  const [email, setEmail] = useState('')
  const [password, setPassword] = useState('')
  const navigate = useNavigate()
  const { search } = useLocation()
  const register = useRegister()
  const problem = register.error && problemFromError(register.error)
  const rules = passwordRules(password, { email, full_name: fullName })
  const complete = fullName.trim() && email.trim() && rules.every((rule) => rule.met !== false)
  const submit = (event: SubmitEvent) => {
    event.preventDefault()
    register.mutate(
      { full_name: fullName.trim(), email: email.trim(), password },
      { onSuccess: () => void navigate(`/login${search}`, { state: { registered: email.trim() } }) },
    )
  }
  return (
    <AuthPage title="Create your account" detail="See who your customers are in under a minute.">
      <Stack component="form" spacing={2.5} onSubmit={submit} noValidate aria-label="Create your account">
        {problem && <FormProblem problem={problem} fields={FIELDS} />}
        <TextField
          label="Full name"
          name="name"
          autoComplete="name"
          autoFocus
          {...entry(fullName, setFullName, problem?.field('full_name'))}
        />
        <TextField
          label="E-mail"
          type="email"
          name="email"
          autoComplete="username"
          {...entry(email, setEmail, emailProblem(problem))}
        />
        <PasswordField
          label="Password"
          name="password"
          autoComplete="new-password"
          {...entry(password, setPassword, problem?.field('password'))}
        />
        <PasswordChecklist rules={rules} />
        <Button type="submit" variant="contained" size="large" loading={register.isPending} disabled={!complete}>
          Create account
        </Button>
      </Stack>
      <Typography variant="body2" color="textSecondary">
        Already have an account?{' '}
        <Link component={RouterLink} to={`/login${search}`}>
          Log in
        </Link>
      </Typography>
    </AuthPage>
  )
}

/** A taken address is a conflict of the whole request; it belongs at the field all the same. */
function emailProblem(problem: Problem | null): string | undefined {
  return problem?.field('email') ?? (problem?.reason === 'EMAIL_TAKEN' ? 'Choose another address, or log in.' : undefined)
}
