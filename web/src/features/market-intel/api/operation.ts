import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import type { components } from '@/api/schema'
import { answer } from '@/lib/api'
import { usePlatform } from '@/lib/context'
import { useRealtime } from '@/lib/use-realtime'

export type Operation = components['schemas']['common.v1.Operation']

const GOES_ON_MS = 1000
/** Events tell at once; a lost one must not stand for ever. */
const LIVE_MS = 5000

/** How long work stands, asked until it is done; with its result. Nothing is asked while there is no name. */
export function useOperation(name: string) {
  const { api } = usePlatform()
  const queries = useQueryClient()
  const live = useRealtime('operations', () => void queries.invalidateQueries({ queryKey: ['operations', name] }))
  return useQuery<Operation | null>({
    queryKey: ['operations', name],
    enabled: name !== '',
    staleTime: 0,
    refetchInterval: (query) => (query.state.data?.done || query.state.error ? false : live ? LIVE_MS : GOES_ON_MS),
    queryFn: async ({ signal }) => (await answer(api.GET('/api/v1/operations/{service}/{id}', { params: { path: placeOf(name) }, signal }))).operation ?? null,
  })
}

/** Ends an operation. */
export function useCancel() {
  const { api } = usePlatform()
  const queries = useQueryClient()
  return useMutation({
    mutationFn: (name: string) => answer(api.DELETE('/api/v1/operations/{service}/{id}', { params: { path: placeOf(name) } })),
    onSettled: () => queries.invalidateQueries({ queryKey: ['operations'] }),
  })
}

function placeOf(name: string) {
  const [service = '', id = ''] = name.split('/')
  return { service, id }
}
