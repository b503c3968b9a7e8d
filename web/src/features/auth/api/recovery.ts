import { useMutation } from '@tanstack/react-query'
import { answer } from '@/lib/api'
import { usePlatform } from '@/lib/context'

/** Asks for a link to choose a new password; the answer is the same whether there is such an account or not. */
export function useForgotPassword() {
  const { api } = usePlatform()
  return useMutation({
    mutationFn: (email: string) => answer(api.POST('/api/v1/auth/forgot-password', { body: { email } })),
  })
}

/** Asks for the link that confirms an address once more; the answer is the same whether one is on its way or not. */
export function useResendVerification() {
  const { api } = usePlatform()
  return useMutation({
    mutationFn: (email: string) => answer(api.POST('/api/v1/auth/resend-verification', { body: { email } })),
  })
}

/** Sets the password that a link lets one choose; every session of the account ends with it, maybe this one too. */
export function useResetPassword() {
  const { api, session } = usePlatform()
  return useMutation({
    mutationFn: (body: { token: string; new_password: string }) =>
      answer(api.POST('/api/v1/auth/reset-password', { body })),
    onSuccess: () => void session.resume(),
  })
}

/** Confirms the address that a link was sent to. */
export function useVerifyEmail() {
  const { api, session } = usePlatform()
  return useMutation({
    mutationFn: (token: string) => answer(api.POST('/api/v1/auth/verify-email', { body: { token } })),
    onSuccess: () => void session.resume(),
  })
}
