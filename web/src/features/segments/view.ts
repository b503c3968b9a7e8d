import { useSearchParams } from 'react-router'
import type { Method, SegmentsView } from '@/features/segments/api/get-segments'

/** What the page shows, kept in the URL so that it can be shared and gone back to. */
export function useView(): [SegmentsView, (change: Partial<SegmentsView>) => void] {
  const [parameters, setParameters] = useSearchParams()
  const view = viewOf(parameters)
  const change = (part: Partial<SegmentsView>) => setParameters(parametersOf({ ...view, ...part }))
  return [view, change]
}

function viewOf(parameters: URLSearchParams): SegmentsView {
  const method: Method = parameters.get('method') === 'kmeans' ? 'kmeans' : 'rfm'
  return { method, asOf: parameters.get('as_of') || undefined }
}

function parametersOf({ method, asOf }: SegmentsView): URLSearchParams {
  return new URLSearchParams({ method, ...(asOf ? { as_of: asOf } : {}) })
}
