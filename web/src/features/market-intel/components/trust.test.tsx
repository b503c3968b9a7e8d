import { screen, within } from '@testing-library/react'
import userEvent from '@testing-library/user-event'
import { HttpResponse, http } from 'msw'
import type { ReactNode } from 'react'
import { describe, expect, it, vi } from 'vitest'
import { CorrelationsPage } from '@/features/market-intel/components/correlations-page'
import { ForecastsPage } from '@/features/market-intel/components/forecasts-page'
import { VersionsPage } from '@/features/market-intel/components/versions-page'
import { ANALYST, API, CORRELATIONS, hubAnswers, lakeAnswers, STORED, VERSIONS } from '@/testing/market-intel'
import { renderPage } from '@/testing/render'
import { answers, answersBy, refuses, server } from '@/testing/server'

vi.mock('@/components/chart', () => ({ Chart: ({ label }: { label: string }) => <div role="img" aria-label={label} /> }))

const MANAGER = { permissions: [...ANALYST.permissions, 'market_intel:manage'] }
const open = (page: ReactNode, query = '', user: { permissions: string[] } = ANALYST) => renderPage(page, { at: `/market-intelligence${query}`, loggedIn: true, user })
const table = (name: string) => screen.findByRole('table', { name })

async function choose(label: string, option: string) {
  await userEvent.click(await screen.findByRole('combobox', { name: label }))
  await userEvent.click(await screen.findByRole('option', { name: option }))
}

describe('what moves together', () => {
  it('is a map of all values, those that move with most first, and says what may be chance', async () => {
    hubAnswers()
    open(<CorrelationsPage />)
    const map = within(await table('Correlations'))
    expect(map.getAllByRole('columnheader').slice(1).map(({ textContent }) => textContent)).toEqual(['GROCERY', 'MEAT', 'TOYS'])
    expect(map.getByRole('row', { name: 'GROCERY The same 0.81 0.00 (may be chance)' })).toBeVisible()
    expect(map.getByRole('row', { name: 'TOYS 0.00 (may be chance) -0.24 (may be chance) The same' })).toBeVisible()
    expect(screen.getByText(/^1 of 3 pairs move together .* over 50 periods; .* Of department the 30 largest values were compared\.$/)).toBeVisible()
    expect(within(await table('Pairs, strongest first')).getByRole('row', { name: 'MEAT GROCERY 0.80 0.81 50 < 0.001 Yes' })).toBeVisible()
  })

  it('is asked between two dimensions, kept in the address', async () => {
    const asked: string[] = []
    hubAnswers()
    server.use(
      answersBy(`${API}/revenue/correlations`, (query) => {
        asked.push(String(query))
        return { ...CORRELATIONS, items: CORRELATIONS.items.slice(0, 1).map((row) => ({ ...row, dimension_b: 'region', value_b: 'North', value_b_name: 'North' })) }
      }),
    )
    const { router } = open(<CorrelationsPage />)
    await choose('Against', 'Region')
    await expect.poll(() => asked.at(-1)).toBe('by=department&by=region&grain=week&page_size=1000')
    expect(router.state.location.search).toBe('?and=region')
    const map = within(await table('Correlations'))
    await expect.poll(() => map.getAllByRole('columnheader').map(({ textContent }) => textContent)).toEqual(['Part of the business', 'North'])
  })

  it('says what can not be compared, and leads back', async () => {
    hubAnswers()
    server.use(refuses(`${API}/revenue/correlations`, 400, 'UNKNOWN_COMBINATION', 'category does not go with device; it goes with region'))
    const { router } = open(<CorrelationsPage />, '?by=category&and=device')
    expect(await screen.findByText('Category does not go with device; it goes with region.')).toBeVisible()
    await userEvent.click(screen.getByRole('button', { name: 'Start over' }))
    expect(router.state.location.search).toBe('')
  })
})

describe('model versions', () => {
  it('are listed with their role and figures, and what was live when', async () => {
    hubAnswers()
    open(<VersionsPage />)
    const versions = within(await table('Model versions'))
    expect(versions.getByRole('row', { name: /^Daily forecasts 1\.1\.0 Champion 0\.81 118 Mar 3, 2026/ })).toBeVisible()
    expect(versions.getByRole('row', { name: /^Weekly forecasts 1\.0\.0 Champion ?Shadow 1\.20 – –/ })).toBeVisible()
    expect(within(await table('Moves')).getByRole('row', { name: /Daily forecasts Champion 1\.0\.0 1\.1\.0 It erred 4 % less\./ })).toBeVisible()
    expect(screen.queryByRole('button', { name: /go back/ })).not.toBeInTheDocument()
    await userEvent.click(screen.getByRole('button', { name: 'Actions for Daily forecasts 1.0.0' }))
    expect(screen.getAllByRole('menuitem').map(({ textContent }) => textContent)).toEqual(['Details'])
    await userEvent.click(screen.getByRole('menuitem', { name: 'Details' }))
    const details = within(screen.getByRole('dialog', { name: 'Daily forecasts, version 1.0.0' }))
    expect(details.getByText('curated.orders, version 4')).toBeVisible()
    expect(details.getByText('79.5')).toBeVisible()
  })

  it('are promoted after a question, with the reason for the log, and the result is said', async () => {
    const bodies: unknown[] = []
    hubAnswers()
    server.use(
      http.post(`${API}/models/1.0.0/promote`, async ({ request }) => {
        bodies.push(await request.json())
        return HttpResponse.json({ model: VERSIONS.items[1] } as never)
      }),
    )
    open(<VersionsPage />, '', MANAGER)
    await userEvent.click(await screen.findByRole('button', { name: 'Actions for Daily forecasts 1.0.0' }))
    await userEvent.click(screen.getByRole('menuitem', { name: 'Make it the champion' }))
    const dialog = within(screen.getByRole('alertdialog', { name: 'Make 1.0.0 the champion of daily forecasts?' }))
    expect(dialog.getByText(/forecasts by version 1\.0\.0 in the place of 1\.1\.0/)).toBeVisible()
    await userEvent.type(dialog.getByLabelText('Why'), 'Christmas was off')
    await userEvent.click(dialog.getByRole('button', { name: 'Make it the champion' }))
    expect(await screen.findByText(/Daily forecasts: version 1\.0\.0 is the champion now/)).toBeVisible()
    expect(bodies).toEqual([{ model: 'market_intel.forecasts_day', because: 'Christmas was off' }])
  })

  it('go back where there was a champion before, and a refusal says why', async () => {
    hubAnswers()
    server.use(refuses(`${API}/models/rollback`, 409, 'NOTHING_TO_ROLL_BACK', 'market_intel.forecasts_day had no champion before 1.1.0; promote a version instead'))
    open(<VersionsPage />, '', MANAGER)
    expect(await screen.findAllByRole('button', { name: /go back to the champion before/ })).toHaveLength(1)
    await userEvent.click(screen.getByRole('button', { name: 'Daily forecasts: go back to the champion before' }))
    await userEvent.click(within(screen.getByRole('alertdialog')).getByRole('button', { name: 'Go back' }))
    expect(await screen.findByText(/promote a version instead/)).toBeVisible()
    expect(screen.getByRole('alertdialog')).toBeVisible()
  })

  it('say how the first is made', async () => {
    hubAnswers()
    server.use(refuses(`${API}/models`, 409, 'MODEL_MANIFEST_MISSING', 'no model has been registered yet; run the pipeline first'))
    open(<VersionsPage />)
    expect(await screen.findByRole('heading', { name: 'Here the model versions will stand' })).toBeVisible()
  })
})

describe('past forecasts', () => {
  it('are held against what came, by how far ahead they were made', async () => {
    hubAnswers()
    const { router } = open(<ForecastsPage />)
    const scores = within(await table('Past forecasts by distance'))
    expect(scores.getByRole('row', { name: '1 4 1.00 +10.0% 75.0% 100.0%' })).toBeVisible()
    expect(scores.getByRole('row', { name: '7 2 2.00 -10.0% 0.0% 0.0%' })).toBeVisible()
    expect(await screen.findByRole('img', { name: /2 forecasts made 1 days before/ })).toBeVisible()
    await choose('Days ahead', '7')
    expect(router.state.location.search).toBe('?ahead=7')
  })

  it('say that none is over yet', async () => {
    hubAnswers()
    server.use(answersBy('*/api/v1/analytics/market_intel/query', (query) => (query.get('table') === 'forecast_accuracy' ? { items: [] } : lakeAnswers(query))))
    open(<ForecastsPage />)
    expect(await screen.findByText(/No period that was forecast is over yet: the data end on Mar 3, 2026/)).toBeVisible()
  })
})

describe('a product', () => {
  it('is named, has its months beside a monthly forecast, and is asked for anew with one click', async () => {
    hubAnswers()
    server.use(answers(`${API}/forecasts`, { ...STORED, items: STORED.items.map((row) => ({ ...row, level: 'product', series_id: 'p1' })) }))
    open(<ForecastsPage />, '?level=product&frequency=month&series_id=p1')
    expect(await screen.findByRole('figure', { name: 'Revenue, product Kettle (p1)' })).toBeVisible()
    expect(await screen.findByText('What was')).toBeVisible()
    expect(screen.getByRole('link', { name: /Ask for it anew/ })).toHaveAttribute('href', '/market-intelligence/ask?frequency=month&product=p1')
  })
})
