import { useForgotPassword } from '@/features/auth/api/recovery'
import { LinkForm } from '@/features/auth/components/link-form'

/** Ask for a link to choose a new password. */
export function ForgotPasswordPage() {
  return (
    <LinkForm
      title="Forgot your password?"
      detail="We send a link to your e-mail address. It lets you choose a new one."
      sent={(email) => `If there is an account for ${email}, a link is on its way. It holds for 30 minutes.`}
      back="It came back to you?"
      ask={useForgotPassword()}
    />
  )
}
