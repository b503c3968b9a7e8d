import { keepPreviousData, useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import type { components } from '@/api/schema'
import { answer } from '@/lib/api'
import { usePlatform } from '@/lib/context'

export type Runs = components['schemas']['pipeline.v1.ListRunsResponse']
export type Run = components['schemas']['pipeline.v1.Run']
export type TableQuality = components['schemas']['pipeline.v1.TableQuality']
export type TableLineage = components['schemas']['pipeline.v1.TableLineage']
export type LedgerLine = components['schemas']['pipeline.v1.ListReconciliationResponse']['items'][number]

const RUNS_SHOWN = 10
const MOST = 1000
const RUNNING_MS = 1500
const IDLE_MS = 15_000

/** The latest runs, asked again often while one goes on. */
export function useRuns() {
  const { api } = usePlatform()
  return useQuery<Runs>({
    queryKey: ['pipeline', 'runs'],
    refetchInterval: (query) => (query.state.data?.items.some(goesOn) ? RUNNING_MS : IDLE_MS),
    queryFn: ({ signal }) =>
      answer(api.GET('/api/v1/pipeline/runs', { params: { query: { page_size: RUNS_SHOWN } }, signal })),
  })
}

/** Starts a run; the list of runs shows it from then on. */
export function useStartRun() {
  const { api } = usePlatform()
  const queries = useQueryClient()
  return useMutation({
    mutationFn: () => answer(api.POST('/api/v1/pipeline/runs', { body: {} })),
    onSettled: () => queries.invalidateQueries({ queryKey: ['pipeline'] }),
  })
}

/** Every measured table with its score; asked when the last run is known, and again when another has ended. */
export function useQuality(lastRun: string | undefined) {
  const { api } = usePlatform()
  return useQuery({
    queryKey: ['pipeline', 'quality', lastRun],
    enabled: lastRun !== undefined,
    placeholderData: keepPreviousData,
    queryFn: ({ signal }) => answer(api.GET('/api/v1/pipeline/quality', { signal })),
  })
}

/** The ledger, all days added up. */
export function useLedger(lastRun: string | undefined) {
  const { api } = usePlatform()
  return useQuery({
    queryKey: ['pipeline', 'ledger', lastRun],
    enabled: lastRun !== undefined,
    placeholderData: keepPreviousData,
    queryFn: ({ signal }) =>
      answer(
        api.GET('/api/v1/pipeline/reconciliation', {
          params: { query: { totals: true, page_size: MOST } },
          signal,
        }),
      ),
  })
}

/** What a table is made from and what is made from it. */
export function useLineage(table: string) {
  const { api } = usePlatform()
  return useQuery({
    queryKey: ['pipeline', 'lineage', table],
    placeholderData: keepPreviousData,
    queryFn: ({ signal }) => answer(api.GET('/api/v1/pipeline/lineage/{table}', { params: { path: { table } }, signal })),
    select: (found) => found.lineage,
  })
}

export const goesOn = (run: Run): boolean => run.status === 'running'
