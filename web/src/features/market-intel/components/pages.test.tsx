import { screen } from '@testing-library/react'
import userEvent from '@testing-library/user-event'
import { http } from 'msw'
import type { ReactNode } from 'react'
import { describe, expect, it, vi } from 'vitest'
import { CorrelationsPage } from '@/features/market-intel/components/correlations-page'
import { DriversPage } from '@/features/market-intel/components/drivers-page'
import { ForecastsPage } from '@/features/market-intel/components/forecasts-page'
import { OverviewPage } from '@/features/market-intel/components/overview-page'
import { PricesPage } from '@/features/market-intel/components/prices-page'
import { ProductsPage } from '@/features/market-intel/components/products-page'
import { RevenuePage } from '@/features/market-intel/components/revenue-page'
import { API, ANALYST, CONCENTRATION, CORRELATIONS, DRIVERS, hubAnswers, MARGINS, PRICES, PRODUCTS, REVENUE, STORED, TRENDS } from '@/testing/market-intel'
import { renderPage } from '@/testing/render'
import { answers, refuses, server } from '@/testing/server'

// jsdom has no canvas; the charts are looked at in the browser test, their numbers are here.
vi.mock('@/components/chart', () => ({ Chart: ({ label }: { label: string }) => <div role="img" aria-label={label} /> }))

interface Case {
  name: string
  page: ReactNode
  path: string
  /** Said while the answer is on its way. */
  loading: string
  /** Seen once it is there. */
  shown: string | RegExp
  empty?: { answer: object; words: RegExp }
}

const CASES: Case[] = [
  { name: 'overview', page: <OverviewPage />, path: `${API}/trends`, loading: 'Loading the trend', shown: 'Revenue over time', empty: { answer: { ...TRENDS, items: [] }, words: /no periods to show/ } },
  { name: 'forecasts', page: <ForecastsPage />, path: `${API}/forecasts`, loading: 'Loading the forecasts', shown: 'Revenue, whole business', empty: { answer: { ...STORED, items: [] }, words: /no forecast of this series/ } },
  { name: 'drivers', page: <DriversPage />, path: `${API}/drivers`, loading: 'Loading the reasons', shown: 'What drove the change' },
  { name: 'revenue', page: <RevenuePage />, path: `${API}/revenue`, loading: 'Loading the revenue', shown: 'Revenue over time', empty: { answer: { ...REVENUE, items: [] }, words: /No revenue in this part/ } },
  { name: 'margins', page: <RevenuePage />, path: `${API}/revenue/margins`, loading: 'Loading the margins', shown: 'How costs were attributed', empty: { answer: { ...MARGINS, items: [] }, words: /No sales in this part/ } },
  { name: 'concentration', page: <RevenuePage />, path: `${API}/revenue/concentration`, loading: 'Loading the concentration', shown: 'The curve', empty: { answer: { ...CONCENTRATION, members: 0 }, words: /No revenue in this part/ } },
  { name: 'correlations', page: <CorrelationsPage />, path: `${API}/revenue/correlations`, loading: 'Loading the correlations', shown: 'The map', empty: { answer: { ...CORRELATIONS, items: [] }, words: /no two parts to compare/ } },
  { name: 'prices', page: <PricesPage />, path: `${API}/pricing`, loading: 'Loading the prices', shown: "Our prices against each competitor's", empty: { answer: { ...PRICES, items: [] }, words: /No competitor's price is known/ } },
  { name: 'products', page: <ProductsPage />, path: `${API}/products`, loading: 'Loading products', shown: '1 of 2 products are at risk.', empty: { answer: { ...PRODUCTS, items: [] }, words: /No product fits these filters/ } },
]

const open = (page: ReactNode, at = '/market-intelligence') => renderPage(page, { at, loggedIn: true, user: ANALYST })

describe.each(CASES)('the view of $name', ({ page, path, loading, shown, empty }) => {
  it('says that it waits, and then shows what came', async () => {
    hubAnswers()
    let release = () => {}
    const gate = new Promise<void>((resolve) => (release = resolve))
    server.use(http.all(path, async () => void (await gate)))
    open(page)
    expect(await screen.findByRole('status', { name: loading })).toBeVisible()
    release()
    expect(await screen.findByText(shown)).toBeVisible()
  })

  it.skipIf(!empty)('says so where there is nothing', async () => {
    hubAnswers()
    server.use(answers(path, empty?.answer ?? {}))
    open(page)
    expect(await screen.findByText(empty?.words ?? '')).toBeVisible()
  })

  it('says what went wrong, and tries again when told to', async () => {
    hubAnswers()
    server.use(refuses(path, 503, 'SERVICE_UNAVAILABLE', 'market_intel does not answer', { trace_id: 'trace-9' }))
    open(page)
    const alert = await screen.findByText('Trace id', { exact: false })
    expect(alert).toHaveTextContent('trace-9')
    server.use(answers(path, (ANSWERS.get(path) ?? {}) as object))
    await userEvent.click(screen.getByRole('button', { name: 'Try again' }))
    expect(await screen.findByText(shown)).toBeVisible()
  })

  it('says which command makes the table where it is not made yet', async () => {
    hubAnswers()
    server.use(refuses(path, 400, 'LAKE_TABLE_MISSING', 'market_intel.trends: no such table in the lake; run `python -m pipeline run`'))
    open(page)
    expect(await screen.findByText(/python -m pipeline run/)).toBeVisible()
  })
})

const ANSWERS = new Map<string, object>([
  [`${API}/trends`, TRENDS],
  [`${API}/forecasts`, STORED],
  [`${API}/drivers`, DRIVERS],
  [`${API}/revenue`, REVENUE],
  [`${API}/revenue/margins`, MARGINS],
  [`${API}/revenue/concentration`, CONCENTRATION],
  [`${API}/revenue/correlations`, CORRELATIONS],
  [`${API}/pricing`, PRICES],
  [`${API}/products`, PRODUCTS],
])
