import { useMutation } from '@tanstack/react-query'
import type { components } from '@/api/schema'
import { answer } from '@/lib/api'
import { usePlatform } from '@/lib/context'

type Registration = components['schemas']['auth.v1.RegisterRequest']

/** Makes an account. */
export function useRegister() {
  const { api } = usePlatform()
  return useMutation({
    mutationFn: (registration: Registration) => answer(api.POST('/api/v1/auth/register', { body: registration })),
  })
}
