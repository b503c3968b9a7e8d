import { describe, expect, it } from 'vitest'
import { problemFromError, problemOf } from '@/lib/problem'

const answer = (status: number, body: string) => new Response(body, { status })

describe('a problem', () => {
  it('is read from problem+json, with its trace id and field errors', async () => {
    const body = {
      title: 'Invalid argument',
      status: 400,
      detail: 'the password needs at least 12 characters',
      reason: 'WEAK_PASSWORD',
      trace_id: 'abc',
      errors: [
        { field: 'password', detail: 'Too short.' },
        { field: 'password', detail: 'Holds the name.' },
        { field: 7, detail: 'not a field error' },
      ],
    }
    const problem = await problemOf(answer(400, JSON.stringify(body)))
    expect(problem).toMatchObject({ status: 400, reason: 'WEAK_PASSWORD', traceId: 'abc', message: body.detail })
    expect(problem.field('password')).toBe('Too short. Holds the name.')
    expect(problem.field('email')).toBeUndefined()
  })

  it('is made up where a proxy answers a page of HTML', async () => {
    const problem = await problemOf(answer(502, '<html>Bad gateway</html>'))
    expect(problem).toMatchObject({ status: 502, reason: 'UNKNOWN', message: 'The server answered 502', isTransient: true })
  })

  it('says that there is no connection where no answer came', () => {
    expect(problemFromError(new TypeError('fetch failed'))).toMatchObject({ reason: 'UNREACHABLE', isTransient: true })
  })

  it.each([
    [400, false],
    [401, false],
    [403, false],
    [429, true],
    [500, false],
    [503, true],
    [504, true],
  ])('of status %i is worth another try: %s', async (status, transient) => {
    expect((await problemOf(answer(status, '{}'))).isTransient).toBe(transient)
  })
})
