import Box from '@mui/material/Box'
import Button from '@mui/material/Button'
import DialogActions from '@mui/material/DialogActions'
import DialogContent from '@mui/material/DialogContent'
import Link from '@mui/material/Link'
import TextField from '@mui/material/TextField'
import Typography from '@mui/material/Typography'
import { type SubmitEvent, useState } from 'react'
import { CopyButton } from '@/components/copy-button'
import { entry } from '@/components/entry'
import { FormProblem } from '@/components/form-problem'
import { SecretText } from '@/components/secret-once'
import { type Enrolment, useVerifyEnrollment } from '@/features/account/api/mfa'
import { problemFromError } from '@/lib/problem'

interface AppStepProps {
  enrolment: Enrolment
  onVerified: (recoveryCodes: readonly string[]) => void
  onClose: () => void
}

/** Second step: the app learns the secret and shows a first code. */
export function AppStep({ enrolment, onVerified, onClose }: AppStepProps) {
  const [code, setCode] = useState('')
  const verify = useVerifyEnrollment()
  const problem = verify.error && problemFromError(verify.error)
  const submit = (event: SubmitEvent) => {
    event.preventDefault()
    verify.mutate(code.trim(), { onSuccess: ({ recovery_codes }) => onVerified(recovery_codes) })
  }
  return (
    <form onSubmit={submit} aria-label="Link your app">
      <DialogContent sx={{ display: 'grid', gap: 2, pt: 0 }}>
        <Typography variant="body2" color="textSecondary">
          Scan this with your authenticator app. On the phone itself,{' '}
          <Link href={enrolment.otpauth_uri}>open it in the app</Link>.
        </Typography>
        <QrCode svg={enrolment.qr_svg} />
        <Box sx={{ display: 'grid', gap: 1 }}>
          <Typography variant="body2" color="textSecondary">
            Or type this secret into the app:
          </Typography>
          <SecretText label="Secret">{inFours(enrolment.secret)}</SecretText>
          <CopyButton text={enrolment.secret} label="Copy the secret" sx={{ justifySelf: 'start' }} />
        </Box>
        {problem && <FormProblem problem={problem} fields={[]} />}
        <TextField
          label="Code that the app shows now"
          name="code"
          autoComplete="one-time-code"
          autoFocus
          {...entry(code, setCode, undefined)}
          slotProps={{ htmlInput: { inputMode: 'numeric', maxLength: 16 } }}
        />
      </DialogContent>
      <DialogActions sx={{ px: 3, pb: 2.5 }}>
        <Button onClick={onClose}>Cancel</Button>
        <Button type="submit" variant="contained" loading={verify.isPending} disabled={!code.trim()}>
          Turn on
        </Button>
      </DialogActions>
    </form>
  )
}

/** The server's picture, as an image: what stands in an image runs no script. */
function QrCode({ svg }: { svg: string }) {
  return (
    <Box
      component="img"
      src={`data:image/svg+xml,${encodeURIComponent(svg)}`}
      alt="QR code of the secret below"
      sx={{ width: 220, height: 220, justifySelf: 'center', borderRadius: 1, bgcolor: '#fff' }}
    />
  )
}

function inFours(secret: string): string {
  return secret.match(/.{1,4}/g)?.join(' ') ?? secret
}
