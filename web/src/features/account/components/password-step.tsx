import Button from '@mui/material/Button'
import DialogActions from '@mui/material/DialogActions'
import DialogContent from '@mui/material/DialogContent'
import Typography from '@mui/material/Typography'
import { type SubmitEvent, useState } from 'react'
import { entry } from '@/components/entry'
import { FormProblem } from '@/components/form-problem'
import { PasswordField } from '@/components/password-field'
import { type Enrolment, useEnroll } from '@/features/account/api/mfa'
import { problemFromError } from '@/lib/problem'

interface PasswordStepProps {
  onEnrolled: (enrolment: Enrolment) => void
  onClose: () => void
}

/** First step of turning two-factor login on: a session left open is not enough. */
export function PasswordStep({ onEnrolled, onClose }: PasswordStepProps) {
  const [password, setPassword] = useState('')
  const enroll = useEnroll()
  const problem = enroll.error && problemFromError(enroll.error)
  const submit = (event: SubmitEvent) => {
    event.preventDefault()
    enroll.mutate(password, { onSuccess: onEnrolled })
  }
  return (
    <form onSubmit={submit} aria-label="Password">
      <DialogContent sx={{ display: 'grid', gap: 2, pt: 0 }}>
        <Typography variant="body2" color="textSecondary">
          Type your password to go on.
        </Typography>
        {problem && <FormProblem problem={problem} fields={['current_password']} />}
        <PasswordField
          label="Present password"
          name="password"
          autoComplete="current-password"
          autoFocus
          {...entry(password, setPassword, problem?.field('current_password'))}
        />
      </DialogContent>
      <DialogActions sx={{ px: 3, pb: 2.5 }}>
        <Button onClick={onClose}>Cancel</Button>
        <Button type="submit" variant="contained" loading={enroll.isPending} disabled={!password}>
          Go on
        </Button>
      </DialogActions>
    </form>
  )
}
