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
import { AuthPage } from '@/features/auth/components/auth-page'
import { problemFromError } from '@/lib/problem'

interface LinkFormProps {
  title: string
  detail: string
  /** What is said once the question is out: the same whoever asks. */
  sent: (email: string) => string
  /** Before the link that leads back to the log-in. */
  back: string
  ask: { mutate: (email: string) => void; isPending: boolean; isSuccess: boolean; error: unknown; variables: string | undefined }
}

/** Ask for a link by mail; nobody learns here who has an account. */
export function LinkForm({ title, detail, sent, back, ask }: LinkFormProps) {
  const [email, setEmail] = useState('')
  const problem = ask.error ? problemFromError(ask.error) : null
  const submit = (event: SubmitEvent) => {
    event.preventDefault()
    ask.mutate(email.trim())
  }
  return (
    <AuthPage title={title} detail={detail}>
      <Stack component="form" spacing={2.5} onSubmit={submit} aria-label="Ask for a link">
        {ask.isSuccess && (
          <Alert severity="success" variant="outlined">
            {sent(ask.variables ?? '')} No mail? Look in the spam folder, and ask again after a minute.
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
        <Button type="submit" variant="contained" size="large" loading={ask.isPending}>
          {ask.isSuccess ? 'Send another link' : 'Send the link'}
        </Button>
      </Stack>
      <Typography variant="body2" color="textSecondary">
        {back}{' '}
        <Link component={RouterLink} to="/login">
          Log in
        </Link>
      </Typography>
    </AuthPage>
  )
}
