import { screen, waitFor, within } from '@testing-library/react'
import userEvent from '@testing-library/user-event'
import { http, HttpResponse } from 'msw'
import { beforeEach, describe, expect, it } from 'vitest'
import { OperationsPage } from '@/features/operations/components/operations-page'
import { renderPage } from '@/testing/render'
import { ADA, refuses, server } from '@/testing/server'

const OPERATIONS = '*/api/v1/operations'
const RUNNING = {
  name: 'pipeline/r1',
  kind: 'pipeline run',
  done: false,
  progress_pct: 42.4,
  phrase: 'Making curated.orders',
  created_at: '2026-11-21T08:00:00Z',
  cancellable: true,
}
const DONE = {
  name: 'demand/d1',
  kind: 'forecast',
  done: true,
  progress_pct: 100,
  phrase: '',
  created_at: '2026-11-21T07:00:00Z',
  ended_at: '2026-11-21T07:01:05Z',
  cancellable: false,
}
const FORECAST = { ...DONE, name: 'market_intel/f1' }
const FAILED = { ...DONE, name: 'demand/d2', error: { reason: 'MODEL_FAILED', detail: 'too few days; take a longer span' } }
let asked: URLSearchParams[]
let missing: string[]

beforeEach(() => {
  asked = []
  missing = []
  server.use(
    http.get(OPERATIONS, ({ request }) => {
      asked.push(new URL(request.url).searchParams)
      return HttpResponse.json({ items: [RUNNING, DONE, FORECAST, FAILED], total_size: 4, next_page_token: '', missing })
    }),
  )
})

const open = () => renderPage(<OperationsPage />, { at: '/operations', loggedIn: true })
const row = async (name: RegExp) => within((await screen.findByRole('rowheader', { name })).closest('tr') as HTMLElement)

describe('the operations page', () => {
  it('shows how far work has come, what came of it and why it failed', async () => {
    open()
    const running = await row(/Pipeline run/)
    expect(running.getByRole('progressbar')).toHaveAttribute('aria-valuenow', '42')
    expect(running.getByText('Making curated.orders, 42%')).toBeInTheDocument()
    const done = await row(/d1/)
    expect(done.getByText('1 min 5 s')).toBeInTheDocument()
    expect((await row(/d2/)).getByText('too few days; take a longer span')).toBeInTheDocument()
    expect((await row(/d2/)).queryByRole('button', { name: /Result/ })).not.toBeInTheDocument()
  })

  it('leads to the page that draws a forecast', async () => {
    open()
    const forecast = await row(/f1/)
    expect(forecast.getByRole('link', { name: /Open/ })).toHaveAttribute('href', '/market-intelligence/ask?operation=market_intel%2Ff1')
    expect((await row(/d1/)).queryByRole('link', { name: /Open/ })).not.toBeInTheDocument()
  })

  it('asks for a result when it is to be seen, as the list has none', async () => {
    server.use(refuses(`${OPERATIONS}/:service/:id`, 503, 'SERVICE_UNAVAILABLE', 'demand does not answer'))
    open()
    await userEvent.click((await row(/d1/)).getByRole('button', { name: 'Result of demand/d1' }))
    const dialog = within(await screen.findByRole('dialog'))
    const again = await dialog.findByRole('button', { name: 'Try again' })
    server.use(http.get(`${OPERATIONS}/demand/d1`, () => HttpResponse.json({ operation: { ...DONE, result: { mean: [1, 2] } } })))
    await userEvent.click(again)
    expect(await dialog.findByLabelText('Result as JSON')).toHaveTextContent('{ "mean": [ 1, 2 ] }')
  })

  it('says why a result is withheld', async () => {
    const error = { reason: 'OPERATION_RESULT_WITHHELD', detail: 'its result is made from regions that you do not see now' }
    server.use(http.get(`${OPERATIONS}/demand/d1`, () => HttpResponse.json({ operation: { ...DONE, error } })))
    open()
    await userEvent.click((await row(/d1/)).getByRole('button', { name: 'Result of demand/d1' }))
    const dialog = within(await screen.findByRole('dialog'))
    expect(await dialog.findByText(error.detail)).toBeVisible()
    expect(dialog.queryByLabelText('Result as JSON')).not.toBeInTheDocument()
    expect(dialog.queryByRole('button', { name: /Copy/ })).not.toBeInTheDocument()
  })

  it('ends what can be ended, once that is confirmed', async () => {
    let ended = ''
    server.use(
      http.delete(`${OPERATIONS}/:service/:id`, ({ params }) => {
        ended = `${params.service}/${params.id}`
        return HttpResponse.json({ operation: RUNNING })
      }),
    )
    open()
    expect((await row(/d1/)).queryByRole('button', { name: /Cancel/ })).not.toBeInTheDocument()
    await userEvent.click((await row(/Pipeline run/)).getByRole('button', { name: 'Cancel pipeline/r1' }))
    expect(ended).toBe('')
    await userEvent.click(screen.getByRole('button', { name: 'Cancel it' }))
    await waitFor(() => expect(ended).toBe('pipeline/r1'))
    await waitFor(() => expect(screen.queryByRole('alertdialog')).not.toBeInTheDocument())
  })

  it('stays open and says why where it cannot be ended', async () => {
    server.use(refuses(`${OPERATIONS}/:service/:id`, 400, 'OPERATION_NOT_CANCELLABLE', 'it is almost done'))
    open()
    await userEvent.click(await screen.findByRole('button', { name: 'Cancel pipeline/r1' }))
    await userEvent.click(screen.getByRole('button', { name: 'Cancel it' }))
    expect(await screen.findByText('It is almost done.')).toBeInTheDocument()
  })

  it('asks again while something goes on, since no events arrive here', async () => {
    open()
    await row(/Pipeline run/)
    await waitFor(() => expect(asked.length).toBeGreaterThan(1), { timeout: 4000 })
  })

  it('shows everybody’s to whoever manages a service, and to nobody else', async () => {
    open()
    await row(/d1/)
    expect(screen.queryByRole('switch')).not.toBeInTheDocument()
    expect(asked.at(-1)?.has('all')).toBe(false)
  })

  it('asks for everybody’s', async () => {
    ADA.permissions.push('pipeline:manage')
    open()
    await userEvent.click(await screen.findByRole('switch'))
    await waitFor(() => expect(asked.at(-1)?.get('all')).toBe('true'))
    ADA.permissions.pop()
  })

  it('names the services that could not be asked', async () => {
    missing = ['demand']
    open()
    expect(await screen.findByText(/Not asked, since they do not answer: demand/)).toBeInTheDocument()
  })
})
