import { keepPreviousData, useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import type { paths } from '@/api/schema'
import { answer, done } from '@/lib/api'
import { usePlatform } from '@/lib/context'
import { useRealtime } from '@/lib/use-realtime'

type Rules = paths['/api/v1/alert-rules']
type Events = paths['/api/v1/alert-rules/{id}/events']
export type AlertRule = Rules['get']['responses']['200']['content']['application/json']['items'][number]
export type NewRule = Rules['post']['requestBody']['content']['application/json']
export type Channel = NonNullable<NewRule['channels']>[number]
export type Operator = AlertRule['condition']['operator']
export type AlertEvent = Events['get']['responses']['200']['content']['application/json']['items'][number]

/** A figure that a rule can look at: `<system>.<tile>`, with its words. */
export interface Figure {
  metric: string
  title: string
  unit: string
  value: number | null
  /** Against the period before, in percent; absent where it is not known. */
  change_pct?: number | null | undefined
}

const LIVE_MS = 120_000
const POLL_MS = 15_000
const PAGE_SIZE = 20
const RULES = ['alert-rules']
const EVENTS = [...RULES, 'events']

/** Own rules, or everybody's; kept up to date by events, or by asking again while none arrive. */
export function useAlertRules(everybody = false) {
  const { api } = usePlatform()
  const queries = useQueryClient()
  const live = useRealtime('alerts', () => void queries.invalidateQueries({ queryKey: RULES }))
  return useQuery({
    queryKey: [...RULES, everybody],
    refetchInterval: live ? LIVE_MS : POLL_MS,
    queryFn: ({ signal }) => answer(api.GET('/api/v1/alert-rules', { params: { query: everybody ? { all: true } : {} }, signal })),
    select: (found) => found.items,
  })
}

/** What happened to a rule, the newest first. */
export function useAlertEvents(id: string, token: string) {
  const { api } = usePlatform()
  return useQuery({
    queryKey: [...RULES, id, 'events', token],
    staleTime: 0,
    placeholderData: keepPreviousData,
    queryFn: ({ signal }) => {
      const query = { page_size: PAGE_SIZE, ...(token && { page_token: token }) }
      return answer(api.GET('/api/v1/alert-rules/{id}/events', { params: { path: { id }, query }, signal }))
    },
  })
}

/** The newest of what happened to all own rules; asked again when something happens. */
export function useNewestEvents(most: number) {
  const { api } = usePlatform()
  const queries = useQueryClient()
  const live = useRealtime('alerts', () => void queries.invalidateQueries({ queryKey: EVENTS }))
  return useQuery({
    queryKey: [...EVENTS, most],
    refetchInterval: live ? LIVE_MS : POLL_MS,
    queryFn: ({ signal }) => answer(api.GET('/api/v1/alert-rules/events', { params: { query: { page_size: most } }, signal })),
    select: (found) => found.items,
  })
}

/** The figures of the dashboards that the person may read. */
export function useFigures() {
  const { api } = usePlatform()
  return useQuery({
    queryKey: ['figures'],
    queryFn: async ({ signal }): Promise<Figure[]> => {
      const asked = (['executive', 'operations'] as const).map((name) =>
        answer(api.GET('/api/v1/dashboards/{name}', { params: { path: { name } }, signal })),
      )
      const found = (await Promise.all(asked)).flatMap(({ systems }) =>
        systems.flatMap(({ system, title, tiles }) =>
          tiles.map((tile) => ({ metric: `${system}.${tile.key}`, title: `${title}: ${tile.title}`, unit: tile.unit, value: tile.value, change_pct: tile.change_pct })),
        ),
      )
      return [...new Map(found.map((figure) => [figure.metric, figure])).values()]
    },
  })
}

/** Makes a rule, or changes the one of that id. */
export function useSaveRule(id: string | undefined) {
  const { api } = usePlatform()
  const queries = useQueryClient()
  return useMutation({
    mutationFn: (body: NewRule): Promise<AlertRule> =>
      id === undefined
        ? answer(api.POST('/api/v1/alert-rules', { body }))
        : answer(api.PATCH('/api/v1/alert-rules/{id}', { params: { path: { id } }, body })),
    onSuccess: () => queries.invalidateQueries({ queryKey: RULES }),
  })
}

/** Switches a rule on or off. */
export function useSwitchRule() {
  const { api } = usePlatform()
  const queries = useQueryClient()
  return useMutation({
    mutationFn: ({ id, enabled }: { id: string; enabled: boolean }) =>
      answer(api.PATCH('/api/v1/alert-rules/{id}', { params: { path: { id } }, body: { enabled } })),
    onSettled: () => queries.invalidateQueries({ queryKey: RULES }),
  })
}

/** Deletes a rule with its events. */
export function useDeleteRule() {
  const { api } = usePlatform()
  const queries = useQueryClient()
  return useMutation({
    mutationFn: (id: string) => done(api.DELETE('/api/v1/alert-rules/{id}', { params: { path: { id } } })),
    onSuccess: () => queries.invalidateQueries({ queryKey: RULES }),
  })
}

/** Sends a test notice to every channel, and answers how each took it. */
export function useTestRule() {
  const { api } = usePlatform()
  const queries = useQueryClient()
  return useMutation({
    mutationFn: (id: string) => answer(api.POST('/api/v1/alert-rules/{id}/test', { params: { path: { id } } })),
    onSuccess: (_, id) => queries.invalidateQueries({ queryKey: [...RULES, id] }),
  })
}
