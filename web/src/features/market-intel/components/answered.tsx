import Alert from '@mui/material/Alert'
import Box from '@mui/material/Box'
import Skeleton from '@mui/material/Skeleton'
import Typography from '@mui/material/Typography'
import type { ReactNode } from 'react'
import { ChartIcon } from '@/components/icons'
import type { Lineage } from '@/components/lineage-line'
import { NotMadeYet } from '@/components/not-made-yet'
import { ProblemNotice } from '@/components/problem-notice'
import { problemFromError } from '@/lib/problem'

/** A question to the server, as TanStack Query has it. */
export interface Asked<Data> {
  data: Data | undefined
  error: unknown
  isFetching: boolean
  isPlaceholderData: boolean
  refetch: () => unknown
}

interface AnsweredProps<Data> {
  asked: Asked<Data>
  /** What is asked for, such as `the forecasts`. */
  what: string
  height?: number
  /** Whether there is nothing to show, and what is said then. */
  isEmpty?: (data: Data) => boolean
  empty?: ReactNode
  /** Undoes what the server refused, where the view itself chose it. */
  onReset?: (() => void) | undefined
  children: (data: Data) => ReactNode
}

/** What came of a question: its answer, dimmed while the next is on its way; a skeleton, a problem, or word of nothing. */
export function Answered<Data>(props: AnsweredProps<Data>) {
  const { asked, what, height = 320, isEmpty, empty, children } = props
  if (asked.error) return <Refused {...props} />
  if (asked.data === undefined) return <Skeleton variant="rounded" height={height} role="status" aria-label={`Loading ${what}`} />
  if (isEmpty?.(asked.data)) return <Nothing>{empty}</Nothing>
  const busy = asked.isPlaceholderData
  return (
    <Box aria-busy={busy} sx={{ minWidth: 0, opacity: busy ? 0.5 : 1, transition: 'opacity 120ms' }}>
      {children(asked.data)}
    </Box>
  )
}

function Refused<Data>({ asked, what, onReset }: AnsweredProps<Data>) {
  const problem = problemFromError(asked.error)
  const retry = () => void asked.refetch()
  if (problem.reason === 'LAKE_TABLE_MISSING') {
    return <NotMadeYet title={`Here ${what} will stand`} Icon={ChartIcon} problem={problem} onRetry={retry} busy={asked.isFetching} />
  }
  const ours = onReset && problem.status >= 400 && problem.status < 500
  return <ProblemNotice problem={problem} busy={asked.isFetching} {...(ours ? { onRetry: onReset, retry: 'Start over' } : { onRetry: retry })} />
}

/** Said where there is nothing to show. */
export function Nothing({ children }: { children: ReactNode }) {
  return (
    <Typography component="div" color="textSecondary" role="status" sx={{ border: 1, borderColor: 'divider', borderRadius: 1, px: 2.5, py: 5, textAlign: 'center', bgcolor: 'background.paper' }}>
      {children}
    </Typography>
  )
}

/** Said where the newest version of a table could not be read. */
export function Degraded({ lineage }: { lineage: Lineage | undefined }) {
  if (!lineage?.degraded) return null
  return (
    <Alert severity="warning" variant="outlined" sx={{ bgcolor: 'background.paper' }}>
      The newest table version could not be read; an older one is shown. {lineage.degraded}
    </Alert>
  )
}
