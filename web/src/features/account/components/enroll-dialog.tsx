import Dialog from '@mui/material/Dialog'
import DialogTitle from '@mui/material/DialogTitle'
import useMediaQuery from '@mui/material/useMediaQuery'
import { type Theme } from '@mui/material/styles'
import { useId, useState } from 'react'
import { type Enrolment } from '@/features/account/api/mfa'
import { AppStep } from '@/features/account/components/app-step'
import { PasswordStep } from '@/features/account/components/password-step'
import { RecoveryCodes } from '@/features/account/components/recovery-codes'
import { usePlatform } from '@/lib/context'

/** Turns two-factor login on: password, app, recovery codes. */
export function EnrollDialog({ onClose }: { onClose: () => void }) {
  const { session } = usePlatform()
  const narrow = useMediaQuery<Theme>((theme) => theme.breakpoints.down('sm'))
  const named = useId()
  const [enrolment, setEnrolment] = useState<Enrolment>()
  const [codes, setCodes] = useState<readonly string[]>()
  const step = codes ? 3 : enrolment ? 2 : 1
  const finish = () => {
    // The next token tells that it is on, and carries the rights that waited for it.
    void session.refresh().catch(() => undefined)
    onClose()
  }
  return (
    // Once it is on, the recovery codes are there this once: neither Escape nor a click beside them throws them away.
    <Dialog open onClose={codes ? undefined : onClose} aria-labelledby={named} maxWidth="sm" fullWidth fullScreen={narrow}>
      <DialogTitle id={named}>{`${TITLES[step]} (step ${step} of 3)`}</DialogTitle>
      {codes ? (
        <RecoveryCodes codes={codes} onDone={finish} />
      ) : enrolment ? (
        <AppStep enrolment={enrolment} onVerified={setCodes} onClose={onClose} />
      ) : (
        <PasswordStep onEnrolled={setEnrolment} onClose={onClose} />
      )}
    </Dialog>
  )
}

const TITLES = { 1: 'Confirm that it is you', 2: 'Link your app', 3: 'Keep your recovery codes' }
