import Button from '@mui/material/Button'
import Stack from '@mui/material/Stack'
import TextField from '@mui/material/TextField'
import { type SubmitEvent, useState } from 'react'
import { useFinishLogIn } from '@/features/auth/api/log-in'
import { AuthPage } from '@/features/auth/components/auth-page'
import { FormProblem } from '@/components/form-problem'
import { entry } from '@/components/entry'
import { problemFromError } from '@/lib/problem'

interface CodeStepProps {
  challenge: string
  onStartOver: () => void
}

/** The second step of a log-in: the code of the authenticator app, or a recovery code. */
export function CodeStep({ challenge, onStartOver }: CodeStepProps) {
  const [code, setCode] = useState('')
  const finish = useFinishLogIn()
  const problem = finish.error && problemFromError(finish.error)
  const submit = (event: SubmitEvent) => {
    event.preventDefault()
    finish.mutate({ mfa_challenge: challenge, code: code.trim() })
  }
  return (
    <AuthPage title="Enter your code" detail="Open your authenticator app. A recovery code works as well.">
      <Stack component="form" spacing={2.5} onSubmit={submit} aria-label="Enter your code">
        {problem && <FormProblem problem={problem} fields={['code']} />}
        <TextField
          label="Code"
          name="code"
          autoComplete="one-time-code"
          autoFocus
          {...entry(code, setCode, problem?.field('code'))}
        />
        <Button type="submit" variant="contained" size="large" loading={finish.isPending}>
          Log in
        </Button>
        <Button onClick={onStartOver}>Start over</Button>
      </Stack>
    </AuthPage>
  )
}
