import { keepPreviousData, useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import type { components, paths } from '@/api/schema'
import { answer } from '@/lib/api'
import { usePlatform } from '@/lib/context'
import { useRealtime } from '@/lib/use-realtime'

export type Operation = components['schemas']['common.v1.Operation']
type Found = paths['/api/v1/operations']['get']['responses'][200]['content']['application/json']

const PAGE_SIZE = 25
const CHANGING_MS = 1500
const IDLE_MS = 15_000
/** Events tell of own work at once; a lost one must not stand for ever. */
const LIVE_MS = 30_000
const LIVE_CHANGING_MS = 5_000

/** Long work in all services, newest first; kept up to date by events, or by asking again while none arrive. */
export function useOperations(everybody: boolean, token: string) {
  const { api } = usePlatform()
  const queries = useQueryClient()
  const live = useRealtime('operations', () => void queries.invalidateQueries({ queryKey: ['operations'] }))
  return useQuery<Found>({
    queryKey: ['operations', everybody, token],
    staleTime: 0,
    placeholderData: keepPreviousData,
    refetchInterval: (query) => {
      const changing = query.state.data?.items.some((operation) => !operation.done)
      if (live && !everybody) return changing ? LIVE_CHANGING_MS : LIVE_MS
      return changing ? CHANGING_MS : IDLE_MS
    },
    queryFn: ({ signal }) => {
      const query = { page_size: PAGE_SIZE, ...(everybody && { all: true }), ...(token && { page_token: token }) }
      return answer(api.GET('/api/v1/operations', { params: { query }, signal }))
    },
  })
}

/** One operation with its result, which lists leave out. */
export function useOperation(name: string) {
  const { api } = usePlatform()
  return useQuery({
    queryKey: ['operations', name],
    queryFn: async ({ signal }) => (await answer(api.GET('/api/v1/operations/{service}/{id}', { params: { path: placeOf(name) }, signal }))).operation,
  })
}

function placeOf(name: string) {
  const [service = '', id = ''] = name.split('/')
  return { service, id }
}

/** Ends an operation; the list shows how it stands from then on. */
export function useCancel() {
  const { api } = usePlatform()
  const queries = useQueryClient()
  return useMutation({
    mutationFn: (name: string) => answer(api.DELETE('/api/v1/operations/{service}/{id}', { params: { path: placeOf(name) } })),
    onSettled: () => queries.invalidateQueries({ queryKey: ['operations'] }),
  })
}
