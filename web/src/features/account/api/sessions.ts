import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import type { components } from '@/api/schema'
import { answer } from '@/lib/api'
import { usePlatform } from '@/lib/context'

export type LoginSession = components['schemas']['auth.v1.Session']

const KEY = ['account', 'sessions']

/** The own sessions, this one first and then the last used. */
export function useSessions() {
  const { api } = usePlatform()
  return useQuery({
    queryKey: KEY,
    staleTime: 0,
    queryFn: ({ signal }) => answer(api.GET('/api/v1/auth/sessions', { signal })),
    select: ({ items }) => items.toSorted((one, other) => Number(other.current ?? false) - Number(one.current ?? false)),
  })
}

/** Ends sessions, one after the other: where one is refused, those before it have ended. */
export function useEndSessions() {
  const { api } = usePlatform()
  const queries = useQueryClient()
  return useMutation({
    mutationFn: async (ids: readonly string[]) => {
      for (const id of ids) await answer(api.DELETE('/api/v1/auth/sessions/{id}', { params: { path: { id } } }))
    },
    onSettled: () => queries.invalidateQueries({ queryKey: KEY }),
  })
}
