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
    expect(problem).toMatchObject({ status: 400, reason: 'WEAK_PASSWORD', traceId: 'abc' })
    expect(problem.message).toBe('The password needs at least 12 characters.')
    expect(problem.field('password')).toBe('Too short. Holds the name.')
    expect(problem.field('email')).toBeUndefined()
  })

  it.each([
    ['the e-mail address is wrong', 'The e-mail address is wrong.'],
    ['demand.customer_segments has no version 7', 'demand.customer_segments has no version 7.'],
    ['no such table; run `python -m pipeline run`', 'No such table; run `python -m pipeline run`'],
    ['Something failed.', 'Something failed.'],
  ])('reads as a sentence: %s', async (detail, sentence) => {
    expect((await problemOf(answer(400, JSON.stringify({ detail })))).message).toBe(sentence)
  })

  it.each([
    ['Resource exhausted', 'Too much at once'],
    ['Overloaded', 'Overloaded'],
  ])('is not headed by the code of a protocol: %s', async (title, said) => {
    expect((await problemOf(answer(429, JSON.stringify({ title })))).title).toBe(said)
  })

  it('says what is wrong with a field as a sentence', async () => {
    const errors = [{ field: 'category', detail: "there is no category 'x'" }]
    expect((await problemOf(answer(400, JSON.stringify({ errors })))).field('category')).toBe("There is no category 'x'.")
  })

  it('is made up where a proxy answers a page of HTML', async () => {
    const problem = await problemOf(answer(502, '<html>Bad gateway</html>'))
    expect(problem).toMatchObject({ status: 502, reason: 'UNKNOWN', message: 'The server answered 502.', isTransient: true })
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
