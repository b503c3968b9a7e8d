import Alert from '@mui/material/Alert'
import Button from '@mui/material/Button'
import Link from '@mui/material/Link'
import Stack from '@mui/material/Stack'
import TextField from '@mui/material/TextField'
import Typography from '@mui/material/Typography'
import { type SubmitEvent, useState } from 'react'
import { Link as RouterLink, useLocation } from 'react-router'
import { useLogIn } from '@/features/auth/api/log-in'
import { AuthPage } from '@/features/auth/components/auth-page'
import { CodeStep } from '@/features/auth/components/code-step'
import { FormProblem } from '@/components/form-problem'
import { PasswordField } from '@/components/password-field'
import { entry } from '@/components/entry'
import { problemFromError } from '@/lib/problem'

const FIELDS = ['email', 'password'] as const

/** Log in by e-mail and password. */
export function LoginPage() {
  const { state, search } = useLocation()
  const registered: string | undefined = state?.registered
  const [email, setEmail] = useState(registered ?? '')
  const [password, setPassword] = useState('')
  const logIn = useLogIn()
  const problem = logIn.error && problemFromError(logIn.error)
  if (logIn.data?.mfa_challenge) return <CodeStep challenge={logIn.data.mfa_challenge} onStartOver={() => logIn.reset()} />
  const submit = (event: SubmitEvent) => {
    event.preventDefault()
    logIn.mutate({ email: email.trim(), password })
  }
  return (
    <AuthPage title="Log in" detail="Welcome back. Pick up where you left off.">
      <Stack component="form" spacing={2.5} onSubmit={submit} aria-label="Log in">
        {registered && !problem && (
          <Alert severity="success" variant="outlined">
            Your account is ready. Log in to start.
          </Alert>
        )}
        {problem && <FormProblem problem={problem} fields={FIELDS} />}
        {problem?.reason === 'EMAIL_NOT_VERIFIED' && (
          <Link component={RouterLink} to="/resend-verification" variant="body2">
            Send me the link to confirm it once more
          </Link>
        )}
        <TextField
          label="E-mail"
          type="email"
          name="email"
          autoComplete="username"
          autoFocus={!registered}
          {...entry(email, setEmail, problem?.field('email'))}
        />
        <PasswordField
          label="Password"
          name="password"
          autoComplete="current-password"
          autoFocus={Boolean(registered)}
          {...entry(password, setPassword, problem?.field('password'))}
        />
        <Button type="submit" variant="contained" size="large" loading={logIn.isPending}>
          Log in
        </Button>
        <Link component={RouterLink} to="/forgot-password" variant="body2" sx={{ alignSelf: 'center' }}>
          Forgot your password?
        </Link>
      </Stack>
      <Typography variant="body2" color="textSecondary">
        No account yet?{' '}
        <Link component={RouterLink} to={`/register${search}`}>
          Create one
        </Link>
      </Typography>
    </AuthPage>
  )
}
