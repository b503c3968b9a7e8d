/** What is wrong with one field of a request. */
export interface FieldProblem {
  field: string
  detail: string
}

interface ProblemDocument {
  status: number
  title: string
  detail: string
  reason: string
  trace_id?: string
  errors?: FieldProblem[]
}

/** The codes of gRPC, which refusals without a title of their own are headed by, as people say them. */
const TITLES: Record<string, string> = {
  'Invalid argument': 'That cannot be asked like this',
  'Failed precondition': 'That cannot be done now',
  'Out of range': 'That is out of range',
  'Not found': 'That is not there',
  'Already exists': 'That exists already',
  'Permission denied': 'You may not do that',
  'Resource exhausted': 'Too much at once',
  Aborted: 'Somebody else was faster',
  Unavailable: 'Not available at the moment',
  'Deadline exceeded': 'It took too long',
  Internal: 'Something went wrong on the server',
  Unknown: 'Something went wrong on the server',
}

/** A failed call: the gateway's problem+json (RFC 9457), or what stands in for it when none came. */
export class Problem extends Error {
  readonly status: number
  readonly title: string
  readonly reason: string
  readonly traceId: string | undefined
  readonly errors: readonly FieldProblem[]

  constructor(document: ProblemDocument) {
    super(asSentence(document.detail || document.title))
    this.name = 'Problem'
    this.status = document.status
    this.title = TITLES[document.title] ?? document.title
    this.reason = document.reason
    this.traceId = document.trace_id || undefined
    this.errors = document.errors ?? []
  }

  /** True where the same call may succeed later without anybody changing anything. */
  get isTransient(): boolean {
    return this.status === 0 || this.status === 429 || this.status >= 502
  }

  /** Everything that is wrong with one field of a form; undefined if nothing is. */
  field(name: string): string | undefined {
    const details = this.errors.filter((error) => error.field === name).map((error) => error.detail)
    return details.map(asSentence).join(' ') || undefined
  }
}

/** The problem that an unsuccessful response tells of. */
export async function problemOf(response: Response): Promise<Problem> {
  const text = await response.text().catch(() => '')
  return problemFromBody(response.status, parseJson(text))
}

/** The problem in an already parsed body; proxies answer errors of their own, so nothing is taken for granted. */
export function problemFromBody(status: number, body: unknown): Problem {
  const fields: Record<string, unknown> = isRecord(body) ? body : {}
  return new Problem({
    status,
    title: text(fields.title) || `The server answered ${status}`,
    detail: text(fields.detail),
    reason: text(fields.reason) || 'UNKNOWN',
    trace_id: text(fields.trace_id),
    errors: Array.isArray(fields.errors) ? fields.errors.filter(isFieldProblem) : [],
  })
}

/** The problem for anything thrown: fetch throws a TypeError when no answer comes at all. */
export function problemFromError(error: unknown): Problem {
  if (error instanceof Problem) return error
  if (error instanceof TypeError) {
    return new Problem({
      status: 0,
      title: 'No connection',
      detail: 'The server cannot be reached. Check the connection and try again.',
      reason: 'UNREACHABLE',
    })
  }
  return new Problem({
    status: 500,
    title: 'Something went wrong in this page',
    detail: error instanceof Error ? error.message : String(error),
    reason: 'CLIENT',
  })
}

/** A detail as people write it: the services begin theirs in lower case and leave out the full stop. */
function asSentence(detail: string): string {
  const startsWithWord = /^[a-z-]+[ ,]/.test(detail)
  const text = startsWithWord ? detail.charAt(0).toUpperCase() + detail.slice(1) : detail
  return /[.!?`]$/.test(text) ? text : `${text}.`
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}

function isFieldProblem(value: unknown): value is FieldProblem {
  return isRecord(value) && typeof value.field === 'string' && typeof value.detail === 'string'
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : ''
}
