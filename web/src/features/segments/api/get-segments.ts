import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { answer } from '@/lib/api'
import { usePlatform } from '@/lib/context'
import type { components } from '@/api/schema'

export type Method = 'rfm' | 'kmeans'
export type Column = components['schemas']['common.v1.Column']
export type SegmentsAnswer = components['schemas']['demand.v1.ListSegmentsResponse']
export type SegmentRow = SegmentsAnswer['items'][number]

export interface SegmentsView {
  method: Method
  /** A day, a table version or a moment; undefined: the newest. */
  asOf: string | undefined
}

/** More segments than any method makes: the answer is never paged. */
const PAGE_SIZE = 1000

/** The customer segments by one method, as known at a time. */
export function useSegments({ method, asOf }: SegmentsView) {
  const { api } = usePlatform()
  return useQuery({
    queryKey: ['segments', method, asOf],
    placeholderData: keepPreviousData,
    queryFn: ({ signal }) =>
      answer(
        api.GET('/api/v1/demand-insights/segments', {
          params: { query: { method, page_size: PAGE_SIZE, ...(asOf ? { as_of: asOf } : {}) } },
          signal,
        }),
      ),
  })
}

/** The path of the same answer, for saving it as a file. */
export function segmentsPath({ method, asOf }: SegmentsView): string {
  const query = new URLSearchParams({ method, page_size: String(PAGE_SIZE), ...(asOf ? { as_of: asOf } : {}) })
  return `/api/v1/demand-insights/segments?${query}`
}
