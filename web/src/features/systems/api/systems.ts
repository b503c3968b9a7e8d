import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import type { paths } from '@/api/schema'
import { answer, done } from '@/lib/api'
import { usePlatform } from '@/lib/context'

export type System = paths['/api/v1/systems']['get']['responses']['200']['content']['application/json']['items'][number]
export type Registration = paths['/api/v1/systems']['post']['requestBody']['content']['application/json']

/** Every system and how it stands, asked again now and then. */
export function useSystems() {
  const { api } = usePlatform()
  return useQuery({
    queryKey: ['systems'],
    refetchInterval: 15_000,
    queryFn: ({ signal }) => answer(api.GET('/api/v1/systems', { signal })),
  })
}

/** One system with what it publishes and, for those who may know, where it is. */
export function useSystem(name: string) {
  const { api } = usePlatform()
  return useQuery({
    queryKey: ['systems', name],
    queryFn: ({ signal }) => answer(api.GET('/api/v1/systems/{name}', { params: { path: { name } }, signal })),
  })
}

/** Publishes a system under a prefix of its own, on every gateway. */
export function useRegisterSystem() {
  const { api } = usePlatform()
  const queries = useQueryClient()
  return useMutation({
    mutationFn: (body: Registration) => answer(api.POST('/api/v1/systems', { body })),
    onSuccess: () => queries.invalidateQueries({ queryKey: ['systems'] }),
  })
}

/** Takes a registered system away. */
export function useRemoveSystem() {
  const { api } = usePlatform()
  const queries = useQueryClient()
  return useMutation({
    mutationFn: (name: string) => done(api.DELETE('/api/v1/systems/{name}', { params: { path: { name } } })),
    onSuccess: () => queries.invalidateQueries({ queryKey: ['systems'], exact: true }),
  })
}
