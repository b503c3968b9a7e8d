import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import type { components } from '@/api/schema'
import { answer } from '@/lib/api'
import { usePlatform } from '@/lib/context'

export type Consent = components['schemas']['auth.v1.Consent']

const KEY = ['account', 'consents']

/** The programs that need not ask again. */
export function useConsents() {
  const { api } = usePlatform()
  return useQuery({
    queryKey: KEY,
    staleTime: 0,
    queryFn: ({ signal }) => answer(api.GET('/api/v1/auth/consents', { signal })),
    select: ({ items }) => items,
  })
}

/** Forgets that a program was agreed to, and ends all that it holds. */
export function useWithdrawConsent() {
  const { api } = usePlatform()
  const queries = useQueryClient()
  return useMutation({
    mutationFn: (client_id: string) =>
      answer(api.DELETE('/api/v1/auth/consents/{client_id}', { params: { path: { client_id } } })),
    onSettled: () => queries.invalidateQueries({ queryKey: ['account'] }),
  })
}
