import { useMutation } from '@tanstack/react-query'
import type { components } from '@/api/schema'
import { answer } from '@/lib/api'
import { usePlatform } from '@/lib/context'

export type Enrolment = components['schemas']['auth.v1.EnrollResponse']

/** Asks for the secret of an authenticator app; it is in the answer alone. */
export function useEnroll() {
  const { api } = usePlatform()
  return useMutation({
    // Kept no longer than the page shows it.
    gcTime: 0,
    mutationFn: (password: string) => answer(api.POST('/api/v1/auth/mfa/enroll', { body: { password } })),
  })
}

/** Turns the second factor on by a code, and answers the recovery codes. */
export function useVerifyEnrollment() {
  const { api } = usePlatform()
  return useMutation({
    gcTime: 0,
    mutationFn: (code: string) => answer(api.POST('/api/v1/auth/mfa/verify', { body: { code } })),
  })
}

/** Turns the second factor off. */
export function useDisableMfa() {
  const { api } = usePlatform()
  return useMutation({
    mutationFn: (body: components['schemas']['auth.v1.DisableMfaRequest']) =>
      answer(api.DELETE('/api/v1/auth/mfa', { body })),
  })
}
