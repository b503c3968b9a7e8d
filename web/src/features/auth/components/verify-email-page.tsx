import Button from '@mui/material/Button'
import Stack from '@mui/material/Stack'
import { FormProblem } from '@/components/form-problem'
import { useVerifyEmail } from '@/features/auth/api/recovery'
import { AuthPage } from '@/features/auth/components/auth-page'
import { LinkOver, Onward } from '@/features/auth/components/link-outcome'
import { useMailToken, usePlatform } from '@/lib/context'
import { problemFromError } from '@/lib/problem'

/** Confirm an e-mail address: where links from mails lead. */
export function VerifyEmailPage() {
  const { mailLink } = usePlatform()
  const token = useMailToken()
  const verify = useVerifyEmail()
  const problem = verify.error && problemFromError(verify.error)
  if (verify.isSuccess)
    return (
      <AuthPage title="Your e-mail address is confirmed" detail={`${verify.data.email} belongs to your account.`}>
        <Onward to="/">Go to the overview</Onward>
      </AuthPage>
    )
  if (token === undefined || problem?.reason === 'LINK_INVALID') return <LinkOver problem={problem} again="/resend-verification" />
  return (
    // Not done unasked: programs that look through mails open links too, and whoever wrote in a wrong address would have it.
    <AuthPage title="Confirm your e-mail address" detail="Do this only if you registered here, or changed the address of your account.">
      <Stack spacing={2.5}>
        {problem && <FormProblem problem={problem} fields={[]} />}
        <Button
          variant="contained"
          size="large"
          loading={verify.isPending}
          onClick={() => verify.mutate(token, { onSuccess: () => mailLink.forget() })}
        >
          Confirm the address
        </Button>
      </Stack>
    </AuthPage>
  )
}
