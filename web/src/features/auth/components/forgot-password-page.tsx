import Alert from '@mui/material/Alert'
import Button from '@mui/material/Button'
import Link from '@mui/material/Link'
import Stack from '@mui/material/Stack'
import TextField from '@mui/material/TextField'
import Typography from '@mui/material/Typography'
import { type SubmitEvent, useState } from 'react'
import { Link as RouterLink } from 'react-router'
import { entry } from '@/components/entry'
import { FormProblem } from '@/components/form-problem'
import { useForgotPassword } from '@/features/auth/api/recovery'
import { AuthPage } from '@/features/auth/components/auth-page'
import { problemFromError } from '@/lib/problem'

/** Ask for a link to choose a new password; nobody learns here who has an account. */
export function ForgotPasswordPage() {
  const [email, setEmail] = useState('')
  const forgot = useForgotPassword()
  const problem = forgot.error && problemFromError(forgot.error)
  const submit = (event: SubmitEvent) => {
    event.preventDefault()
    forgot.mutate(email.trim())
  }
  return (
    <AuthPage title="Forgot your password?" detail="We send a link to your e-mail address. It lets you choose a new one.">
      <Stack component="form" spacing={2.5} onSubmit={submit} aria-label="Ask for a link">
        {forgot.isSuccess && (
          <Alert severity="success" variant="outlined">
            If there is an account for {forgot.variables}, a link is on its way. It holds for 30 minutes. No mail? Look in the spam
            folder, and ask again after a minute.
          </Alert>
        )}
        {problem && <FormProblem problem={problem} fields={['email']} />}
        <TextField
          label="E-mail"
          type="email"
          name="email"
          autoComplete="username"
          autoFocus
          {...entry(email, setEmail, problem?.field('email'))}
        />
        <Button type="submit" variant="contained" size="large" loading={forgot.isPending}>
          {forgot.isSuccess ? 'Send another link' : 'Send the link'}
        </Button>
      </Stack>
      <Typography variant="body2" color="textSecondary">
        It came back to you?{' '}
        <Link component={RouterLink} to="/login">
          Log in
        </Link>
      </Typography>
    </AuthPage>
  )
}
