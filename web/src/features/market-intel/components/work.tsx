import Skeleton from '@mui/material/Skeleton'
import type { ReactNode } from 'react'
import { ProblemNotice } from '@/components/problem-notice'
import { type Operation, useOperation } from '@/features/market-intel/api/operation'
import { OperationProgress } from '@/features/market-intel/components/operation-progress'
import { sentence } from '@/features/market-intel/prose'
import { Problem, problemFromError } from '@/lib/problem'

interface WorkProps<Answer> {
  asked: { data: (Answer & { operation?: Operation | null | undefined }) | undefined; error: unknown; isPending: boolean }
  /** Name of the operation that has the answer; empty where it came at once. */
  operation: string
  /** What is being made, such as `forecast`. */
  what: string
  children: (answer: Answer) => ReactNode
}

/** What came of a question that is answered at once or by long work: nothing yet, a problem, progress, or the answer. */
export function Work<Answer>({ asked, operation, what, children }: WorkProps<Answer>) {
  const work = useOperation(operation)
  if (asked.isPending) return <Skeleton variant="rounded" height={320} role="status" aria-label={`Making the ${what}`} />
  if (asked.error) return <ProblemNotice problem={problemFromError(asked.error)} />
  if (operation === '') return asked.data && !asked.data.operation ? children(asked.data) : null
  if (work.error) return <ProblemNotice problem={problemFromError(work.error)} onRetry={() => void work.refetch()} busy={work.isFetching} />
  if (!work.data) return <Skeleton variant="rounded" height={120} role="status" aria-label={`Asking for the ${what}`} />
  if (!work.data.done) return <OperationProgress operation={work.data} />
  if (work.data.error) return <ProblemNotice problem={problemOfOperation(work.data.error, what)} />
  return children(work.data.result as Answer)
}

const COME_TO: Record<string, string> = { OPERATION_CANCELLED: 'was ended', OPERATION_RESULT_WITHHELD: 'is not shown' }

/** Why long work came to nothing, as every other refusal is told. */
function problemOfOperation(error: NonNullable<Operation['error']>, what: string): Problem {
  const ended = error.reason === 'OPERATION_CANCELLED'
  return new Problem({
    status: 400,
    title: `The ${what} ${COME_TO[error.reason ?? ''] ?? 'could not be made'}`,
    detail: `${sentence(error.detail ?? '')}${ended ? ' Ask again when you like; quick models answer at once.' : ''}`.trim(),
    reason: error.reason ?? '',
  })
}
