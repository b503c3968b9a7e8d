import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import type { components } from '@/api/schema'
import { answer } from '@/lib/api'
import { usePlatform } from '@/lib/context'

export type ApiKey = components['schemas']['auth.v1.ApiKey']
type NewKey = components['schemas']['auth.v1.CreateApiKeyRequest']

const KEY = ['account', 'api-keys']

/** The own keys that still hold, the newest first. */
export function useApiKeys() {
  const { api } = usePlatform()
  return useQuery({
    queryKey: KEY,
    staleTime: 0,
    queryFn: ({ signal }) => answer(api.GET('/api/v1/auth/api-keys', { signal })),
    select: ({ items }) => items,
  })
}

/** Makes a key; the answer holds it this once. */
export function useCreateApiKey() {
  const { api } = usePlatform()
  return useMutation({
    gcTime: 0,
    mutationFn: (body: NewKey) => answer(api.POST('/api/v1/auth/api-keys', { body })),
    onSettled: useListAnew(),
  })
}

/** Makes the successor of a key; the answer holds it this once. */
export function useRotateApiKey() {
  const { api } = usePlatform()
  return useMutation({
    gcTime: 0,
    mutationFn: ({ id, overlap_hours }: { id: string; overlap_hours: number }) =>
      answer(api.POST('/api/v1/auth/api-keys/{id}/rotate', { params: { path: { id } }, body: { overlap_hours } })),
    onSettled: useListAnew(),
  })
}

/** Revokes a key. */
export function useRevokeApiKey() {
  const { api } = usePlatform()
  return useMutation({
    mutationFn: (id: string) => answer(api.DELETE('/api/v1/auth/api-keys/{id}', { params: { path: { id } } })),
    onSettled: useListAnew(),
  })
}

function useListAnew() {
  const queries = useQueryClient()
  return () => queries.invalidateQueries({ queryKey: KEY })
}
