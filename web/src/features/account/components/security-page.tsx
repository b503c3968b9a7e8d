import { PageHeader } from '@/components/page-header'
import { PasswordForm } from '@/features/account/components/password-form'
import { Section } from '@/features/account/components/section'
import { TwoFactor } from '@/features/account/components/two-factor'
import { useSessionState } from '@/lib/context'

/** How one logs in: password and second factor. */
export function SecurityPage() {
  const state = useSessionState()
  if (state.status !== 'authenticated') return null
  return (
    <>
      <PageHeader title="Security" detail="How you prove that it is you." />
      <Section title="Password" detail="A new one ends your sessions on all other devices.">
        <PasswordForm user={state.user} />
      </Section>
      <TwoFactor on={state.user.mfa_enabled ?? false} />
    </>
  )
}
