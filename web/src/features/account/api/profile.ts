import { useMutation } from '@tanstack/react-query'
import type { components } from '@/api/schema'
import { answer } from '@/lib/api'
import { usePlatform } from '@/lib/context'

type Changes = components['schemas']['auth.v1.UpdateMeRequest']

/** Changes the own name, or asks for another address; the whole app shows the account as it is then. */
export function useUpdateMe() {
  const { api, session } = usePlatform()
  return useMutation({
    mutationFn: (changes: Changes) => answer(api.PATCH('/api/v1/auth/me', { body: changes })),
    onSuccess: ({ user }) => user && session.update(user),
  })
}

/** Changes the own password; answers how many other sessions ended with the old one. */
export function useChangePassword() {
  const { api } = usePlatform()
  return useMutation({
    mutationFn: (body: components['schemas']['auth.v1.ChangePasswordRequest']) =>
      answer(api.POST('/api/v1/auth/change-password', { body })),
  })
}
