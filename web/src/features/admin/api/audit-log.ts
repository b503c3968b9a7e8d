import { keepPreviousData, useMutation, useQuery } from '@tanstack/react-query'
import type { components, paths } from '@/api/schema'
import { type Api, answer } from '@/lib/api'
import { usePlatform } from '@/lib/context'
import { saveCsv } from '@/lib/csv'

export type AuditEntry = components['schemas']['auth.v1.AuditEntry']
type AuditQuery = NonNullable<paths['/api/v1/auth/audit-log']['get']['parameters']['query']>

/** Which entries are asked for; empty: any. Days are `YYYY-MM-DD`, of the reader's time zone, both included. */
export interface AuditFilter {
  actor: string
  action: string
  target: string
  address: string
  from: string
  to: string
}

export const NO_FILTER: AuditFilter = { actor: '', action: '', target: '', address: '', from: '', to: '' }
const PAGE_SIZE = 25
const EXPORT_PAGE = 1000
/** Entries that one file holds at most: as many as a spreadsheet opens without trouble. */
export const EXPORT_MOST = 100_000

/** A page of what was done, the newest first. */
export function useAuditLog(filter: AuditFilter, token: string) {
  const { api } = usePlatform()
  return useQuery({
    queryKey: ['audit-log', filter, token],
    staleTime: 0,
    placeholderData: keepPreviousData,
    queryFn: ({ signal }) => page(api, asQuery(filter), PAGE_SIZE, token, signal),
  })
}

/** Whether every entry is as it was written; asked when somebody wants to know, since it reads the whole log. */
export function useChain() {
  const { api } = usePlatform()
  return useMutation({ mutationFn: () => answer(api.GET('/api/v1/auth/audit-log/chain')) })
}

/** Saves every entry that fits the filter as CSV, page by page; answers whether there were more than fit. */
export function useAuditExport(filter: AuditFilter) {
  const { api } = usePlatform()
  return useMutation({
    mutationFn: async () => {
      const rows: AuditEntry[] = []
      let token = ''
      do {
        const found = await page(api, asQuery(filter), EXPORT_PAGE, token)
        rows.push(...found.items)
        token = found.next_page_token
      } while (token && rows.length < EXPORT_MOST)
      saveCsv(`audit-log-${new Date().toISOString().slice(0, 10)}.csv`, HEADER, rows.map(cells))
      return { rows: rows.length, more: token !== '' }
    },
  })
}

function page(api: Api, query: AuditQuery, page_size: number, token: string, signal?: AbortSignal) {
  const params = { query: { ...query, page_size, ...(token && { page_token: token }) } }
  return answer(api.GET('/api/v1/auth/audit-log', { params, ...(signal && { signal }) }))
}

export function asQuery({ actor, action, target, address, from, to }: AuditFilter): AuditQuery {
  return {
    ...(actor && { actor }),
    ...(action && { action }),
    ...(target && { target }),
    ...(address && { address }),
    ...(from && { since: startOf(from, 0) }),
    ...(to && { until: startOf(to, 1) }),
  }
}

/** The first moment of a day in the reader's time zone, or of a day after it. */
function startOf(day: string, later: number): string {
  const [year, month, date] = day.split('-').map(Number) as [number, number, number]
  return new Date(year, month - 1, date + later).toISOString()
}

const HEADER = ['seq', 'at', 'actor', 'action', 'target', 'address', 'details', 'prev_hash', 'hash']

function cells(entry: AuditEntry): (string | number)[] {
  const { seq, at = '', actor, action, target, address, details, prev_hash, hash } = entry
  return [seq, at, actor, action, target, address, JSON.stringify(details), prev_hash, hash]
}
