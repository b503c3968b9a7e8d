import Alert from '@mui/material/Alert'
import Button from '@mui/material/Button'
import Chip from '@mui/material/Chip'
import { useState } from 'react'
import { DisableMfaDialog } from '@/features/account/components/disable-mfa-dialog'
import { EnrollDialog } from '@/features/account/components/enroll-dialog'
import { Section } from '@/features/account/components/section'

/** Whether a login asks for a code too, and turning that on and off. */
export function TwoFactor({ on }: { on: boolean }) {
  const [dialog, setDialog] = useState<'enroll' | 'disable'>()
  const close = () => setDialog(undefined)
  return (
    <Section
      title="Two-factor login"
      detail="A code from an app on your phone, asked for after the password: whoever has the password alone stays outside."
      action={<Chip size="small" variant="outlined" color={on ? 'success' : 'default'} label={on ? 'On' : 'Off'} />}
    >
      {on ? (
        <Button variant="outlined" color="error" onClick={() => setDialog('disable')} sx={{ justifySelf: 'start' }}>
          Turn off
        </Button>
      ) : (
        <>
          <Alert severity="info" variant="outlined" role="note">
            You need an authenticator app, such as Aegis, Google Authenticator or 1Password. Some roles may do nothing before this is on.
          </Alert>
          <Button variant="contained" onClick={() => setDialog('enroll')} sx={{ justifySelf: 'start' }}>
            Set up
          </Button>
        </>
      )}
      {dialog === 'enroll' && <EnrollDialog onClose={close} />}
      {dialog === 'disable' && <DisableMfaDialog onClose={close} />}
    </Section>
  )
}
