import { screen, waitFor, within } from '@testing-library/react'
import userEvent from '@testing-library/user-event'
import { HttpResponse, http } from 'msw'
import { describe, expect, it, vi } from 'vitest'
import { AskPage } from '@/features/market-intel/components/ask-page'
import { ANALYST, API, FORECAST, hubAnswers, operation } from '@/testing/market-intel'
import { renderPage } from '@/testing/render'
import { answersBy, refuses, server } from '@/testing/server'
import { save } from '@/lib/save-file'

vi.mock('@/lib/save-file', () => ({ save: vi.fn() }))
vi.mock('@/components/chart', () => ({ Chart: ({ label }: { label: string }) => <div role="img" aria-label={label} /> }))

const OPERATION = '*/api/v1/operations/market_intel/op1'
const open = (query = '') => renderPage(<AskPage />, { at: `/market-intelligence/ask${query}`, loggedIn: true, user: ANALYST })
const ask = () => userEvent.click(screen.getByRole('button', { name: 'Forecast' }))

/** Answers a question, and says what was asked. */
function forecasts(answer: object) {
  const bodies: unknown[] = []
  hubAnswers()
  server.use(
    answersBy(`${API}/forecast`, async (_, request) => {
      bodies.push(await request.json())
      return answer
    }),
  )
  return bodies
}

describe('a forecast that is answered at once', () => {
  it('is asked for by the form, kept in the address, and shown with its reason and figures', async () => {
    const bodies = forecasts(FORECAST)
    const { router } = open('?region=North&model=theta')
    await userEvent.clear(screen.getByLabelText('How many days ahead'))
    await userEvent.type(screen.getByLabelText('How many days ahead'), '2')
    await ask()
    expect(await screen.findByText('Theta erred least: MASE 0.82 against 1.00.')).toBeVisible()
    expect(bodies).toEqual([{ metric: 'revenue', filters: { region: 'North' }, horizon: 2, frequency: 'day', model: 'theta', components: true }])
    expect(router.state.location.search).toBe('?region=North&model=theta&horizon=2')
    expect(screen.getByText('2 days without a sale count as 0.')).toBeVisible()
    expect(screen.getByText('79.2%')).toBeVisible()
    expect(screen.getByText('Not defined where an outcome is 0')).toBeVisible()
    expect(await screen.findByRole('img', { name: /goes from \$120\.00 \(Mar 4, 2026\) to \$130\.00/ })).toBeVisible()
  })

  it('tells its chart as a table', async () => {
    forecasts(FORECAST)
    open()
    await ask()
    await userEvent.click(await screen.findByRole('button', { name: 'Show the numbers' }))
    const table = screen.getByRole('table', { name: 'Revenue, numbers' })
    expect(within(table).getByRole('row', { name: 'Mar 5, 2026 $130.00 $130.00 $120.00 $140.00 $110.00 $150.00' })).toBeVisible()
  })

  it('tells what it is made up of, if it is asked to', async () => {
    const [choice] = FORECAST.chosen
    const bodies = forecasts({ ...FORECAST, chosen: [{ ...choice, components: [{ name: 'season', values: [-20, 10] }, { name: 'trend', values: [140, 120] }] }] })
    open()
    await ask()
    expect(await screen.findByRole('img', { name: /Trend: from \$120\.00 to \$140\.00\. Season: from -\$20\.00 to \$10\.00\./ })).toBeVisible()
    await userEvent.click(screen.getByRole('switch', { name: 'Tell what the forecast is made up of' }))
    await ask()
    await expect.poll(() => bodies.map((body) => (body as { components?: boolean }).components)).toEqual([true, undefined])
  })

  it('is of a product that is found by its name', async () => {
    const bodies = forecasts(FORECAST)
    const { router } = open()
    await userEvent.type(screen.getByLabelText('Product'), 'kett')
    await userEvent.click(await screen.findByRole('option', { name: 'Kettle p1' }))
    expect(await screen.findByText('Kettle')).toBeVisible()
    await ask()
    await expect.poll(() => bodies).toMatchObject([{ filters: { product: 'p1' } }])
    expect(router.state.location.search).toBe('?product=p1')
  })

  it('is saved as CSV', async () => {
    forecasts(FORECAST)
    open()
    await ask()
    await userEvent.click(await screen.findByRole('button', { name: 'Export CSV' }))
    const [blob, name] = vi.mocked(save).mock.calls[0] ?? []
    expect(name).toBe('forecast.csv')
    expect(await blob?.text()).toBe('series_id,ds,mean,median,lower_80,upper_80,lower_95,upper_95\r\n,2026-03-04,120,120,110,130,100,140\r\n,2026-03-05,130,130,120,140,110,150\r\n')
  })

  it('says beside the field what the server will not have', async () => {
    hubAnswers()
    server.use(refuses(`${API}/forecast`, 400, 'UNKNOWN_FILTER', 'no region Nroth', { errors: [{ field: 'filters.region', detail: 'There is no region Nroth.' }] }))
    open('?region=Nroth')
    await ask()
    expect(await screen.findByText('There is no region Nroth.')).toBeVisible()
    expect(screen.getByLabelText('Region')).toBeInvalid()
    expect(screen.getByRole('alert')).toHaveTextContent('No region Nroth.')
  })

  it('can not be asked for beyond the longest horizon', async () => {
    hubAnswers()
    open('?horizon=366')
    expect(screen.getByText('A whole number from 1 to 365 days.')).toBeVisible()
    expect(screen.getByRole('button', { name: 'Forecast' })).toBeDisabled()
  })
})

describe('a forecast of own series', () => {
  it('reads what is pasted and asks for it', async () => {
    const bodies = forecasts({ ...FORECAST, metric: '' })
    open('?source=series')
    expect(screen.getByRole('button', { name: 'Forecast' })).toBeDisabled()
    await userEvent.click(screen.getByLabelText('Observations as CSV'))
    await userEvent.paste('ds,y,series_id\n2026-01-01,5,a\n2026-01-02,6,a')
    expect(screen.getByText('2 observations of one series')).toBeVisible()
    await ask()
    await screen.findByText('Theta erred least: MASE 0.82 against 1.00.')
    expect(bodies[0]).toMatchObject({ series: [{ ds: '2026-01-01', y: 5, series_id: 'a' }, { ds: '2026-01-02', y: 6, series_id: 'a' }], gaps: 'zero' })
    expect(bodies[0]).not.toHaveProperty('metric')
  })

  it('reads a file', async () => {
    hubAnswers()
    open('?source=series')
    await userEvent.upload(screen.getByLabelText('CSV file'), new File(['ds,y\n2026-01-01,5'], 'mine.csv', { type: 'text/csv' }))
    expect(await screen.findByText('mine.csv: 1 observation of one series')).toBeVisible()
  })

  it('says which line is wrong', async () => {
    hubAnswers()
    open('?source=series')
    await userEvent.click(screen.getByLabelText('Observations as CSV'))
    await userEvent.paste('ds,y\nyesterday,5')
    expect(screen.getByText(/Line 2: “yesterday” is no day/)).toBeVisible()
    expect(screen.getByRole('button', { name: 'Forecast' })).toBeDisabled()
  })
})

describe('a forecast that takes long', () => {
  it('shows how far it is, and its result once it is done', async () => {
    let standing: object = operation({ progress_pct: 40, phrase: 'trying Theta' })
    forecasts({ operation: operation(), forecast: [], chosen: [] })
    server.use(answersBy(OPERATION, () => ({ operation: standing })))
    const { router } = open()
    await ask()
    expect(await screen.findByText(/Trying Theta, 40%/)).toBeVisible()
    expect(screen.getByRole('progressbar', { name: 'Progress' })).toHaveAttribute('aria-valuenow', '40')
    expect(router.state.location.search).toBe('?operation=market_intel%2Fop1')
    standing = operation({ done: true, progress_pct: 100, result: FORECAST })
    expect(await screen.findByText('Theta erred least: MASE 0.82 against 1.00.', undefined, { timeout: 10_000 })).toBeVisible()
  })

  it('is found again by its address, and cancelled', async () => {
    let standing = operation({ progress_pct: 10 })
    hubAnswers()
    server.use(
      http.get(OPERATION, () => HttpResponse.json({ operation: standing })),
      http.delete(OPERATION, () => {
        standing = operation({ done: true, error: { reason: 'OPERATION_CANCELLED', detail: 'It was ended by request.' } } as object)
        return HttpResponse.json({ operation: standing })
      }),
    )
    open('?operation=market_intel/op1')
    await userEvent.click(await screen.findByRole('button', { name: 'Cancel' }))
    expect(await screen.findByText('The forecast was ended')).toBeVisible()
    expect(screen.getByRole('alert')).toHaveTextContent('It was ended by request.')
  })

  it('says why it failed', async () => {
    hubAnswers()
    server.use(answersBy(OPERATION, () => ({ operation: operation({ done: true, error: { reason: 'MODEL_NOT_INSTALLED', detail: 'lstm needs torch; run `make deep`' } }) })))
    open('?operation=market_intel/op1')
    expect(await screen.findByText('The forecast could not be made')).toBeVisible()
    expect(screen.getByRole('alert')).toHaveTextContent('make deep')
  })

  it('reads a long result page by page', async () => {
    const kept = { ...FORECAST, forecast: [], forecast_id: 'fc1', series_count: 900, row_count: 9000 }
    hubAnswers()
    server.use(
      answersBy(OPERATION, () => ({ operation: operation({ done: true, result: kept }) })),
      answersBy(`${API}/forecasts/fc1`, (query) => ({ items: [{ series_id: query.get('page_token') ? 'second' : 'first', ...FORECAST.forecast[0] }], columns: [], total_size: 2, next_page_token: query.get('page_token') ? '' : 'more' })),
    )
    open('?operation=market_intel/op1')
    const table = await screen.findByRole('table', { name: 'Forecast rows' })
    expect(within(table).getByRole('rowheader', { name: 'first' })).toBeVisible()
    await userEvent.click(screen.getByRole('button', { name: 'Next' }))
    await waitFor(() => expect(within(screen.getByRole('table', { name: 'Forecast rows' })).getByRole('rowheader', { name: 'second' })).toBeVisible())
    expect(screen.getByRole('button', { name: 'Export' })).toBeEnabled()
  })
})
