import type { Tone } from '@/components/tone-chip'
import type { Operation } from '@/features/operations/api/operations'

/** How an operation stands, in a word. */
export function standing(operation: Operation): { tone: Tone; label: string } {
  if (!operation.done) return { tone: 'info', label: operation.progress_pct ? 'Running' : 'Waiting' }
  if (!operation.error) return { tone: 'success', label: 'Done' }
  return operation.error.reason === 'OPERATION_CANCELLED' ? { tone: 'neutral', label: 'Ended' } : { tone: 'error', label: 'Failed' }
}

/** Its service and its kind in words. */
export const serviceOf = (operation: Operation): string => operation.name.split('/')[0] ?? ''

export function kindOf({ kind }: Operation): string {
  const words = kind.replaceAll('_', ' ') || 'long work'
  return words.charAt(0).toUpperCase() + words.slice(1)
}

/** How long it took, or has taken by now. */
export function took({ created_at, ended_at }: Operation, now: number): string {
  if (!created_at) return '–'
  const seconds = Math.max(0, (ended_at ? Date.parse(ended_at) : now) - Date.parse(created_at)) / 1000
  if (seconds < 60) return `${seconds.toFixed(1)} s`
  const minutes = Math.floor(seconds / 60)
  return minutes < 60 ? `${minutes} min ${Math.floor(seconds % 60)} s` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`
}

/** The page that shows what comes of an operation; undefined where none does. */
export function pageOf(operation: Operation): string | undefined {
  const shown = serviceOf(operation) === 'market_intel' && operation.kind === 'forecast' && !operation.error
  return shown ? `/market-intelligence/ask?operation=${encodeURIComponent(operation.name)}` : undefined
}
