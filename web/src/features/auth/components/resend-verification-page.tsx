import { useResendVerification } from '@/features/auth/api/recovery'
import { LinkForm } from '@/features/auth/components/link-form'

/** Ask once more for the link that confirms the address of a new account. */
export function ResendVerificationPage() {
  return (
    <LinkForm
      title="Confirm your e-mail address"
      detail="We send the link once more. The one before it no longer works then."
      sent={(email) => `If there is an account for ${email} that waits for this, a link is on its way. It holds for 24 hours.`}
      back="Confirmed already?"
      ask={useResendVerification()}
    />
  )
}
