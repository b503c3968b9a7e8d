import { screen, within } from '@testing-library/react'
import userEvent from '@testing-library/user-event'
import type { ReactNode } from 'react'
import { describe, expect, it, vi } from 'vitest'
import { DriversPage } from '@/features/market-intel/components/drivers-page'
import { ForecastsPage } from '@/features/market-intel/components/forecasts-page'
import { LeaguePage } from '@/features/market-intel/components/league-page'
import { MarketFrame } from '@/features/market-intel/components/market-frame'
import { OverviewPage } from '@/features/market-intel/components/overview-page'
import { PricesPage } from '@/features/market-intel/components/prices-page'
import { ProductsPage } from '@/features/market-intel/components/products-page'
import { RevenuePage } from '@/features/market-intel/components/revenue-page'
import { ANALYST, API, DRIVERS, hubAnswers, LEAGUE, PRICES, PRODUCTS, REVENUE, STORED } from '@/testing/market-intel'
import { renderPage } from '@/testing/render'
import { answers, answersBy, server } from '@/testing/server'

vi.mock('@/components/chart', () => ({ Chart: ({ label }: { label: string }) => <div role="img" aria-label={label} /> }))

const open = (page: ReactNode, query = '') => renderPage(page, { at: `/market-intelligence${query}`, loggedIn: true, user: ANALYST })
const table = (name: string) => screen.findByRole('table', { name })
const heads = (within_: HTMLElement) => within(within_).getAllByRole('rowheader').map(({ textContent }) => textContent)

async function choose(label: string, option: string) {
  await userEvent.click(await screen.findByRole('combobox', { name: label }))
  await userEvent.click(await screen.findByRole('option', { name: option }))
}

describe('the overview', () => {
  it('shows the figures of this system with their change, the trend in words, and what stands out', async () => {
    hubAnswers()
    open(<OverviewPage />)
    expect(await screen.findByText('$125,000.50')).toBeVisible()
    expect(screen.getByText('-2.5% against the period before')).toBeVisible()
    expect(screen.queryByText('Customers who bought')).not.toBeInTheDocument()
    expect(await screen.findByText('It rises by $12.50 (1.2%) a week over the last 26 periods, p < 0.001.')).toBeVisible()
    expect(screen.getByText('+200.0%')).toBeVisible()
    expect(await screen.findByText('Online grew by 20 %.')).toBeVisible()
    await userEvent.click(screen.getByRole('button', { name: 'Show the numbers' }))
    expect(screen.getByRole('row', { name: 'Week of Feb 23, 2026 $3,000.00 $2,000.00 Out of line' })).toBeVisible()
  })
})

describe('the forecasts', () => {
  it('are chosen by part of the business, and say by which model and why', async () => {
    const asked: string[] = []
    hubAnswers()
    server.use(
      answersBy(`${API}/forecasts`, (query) => {
        asked.push(`${query.get('level')} ${query.get('series_id')}`)
        return STORED
      }),
    )
    const { router } = open(<ForecastsPage />)
    expect(await screen.findByText('Theta erred least on 3 origins.')).toBeVisible()
    expect(heads(await table('Models tried on this series'))).toEqual(['Theta Chosen', 'Seasonal naive '])
    await choose('Part of the business', 'Channel')
    await expect.poll(() => asked.at(-1)).toBe('channel online')
    await choose('Which', 'store')
    await expect.poll(() => asked.at(-1)).toBe('channel store')
    expect(router.state.location.search).toBe('?level=channel&series_id=store')
  })

  it('say so where a kind of part has none', async () => {
    hubAnswers()
    open(<ForecastsPage />, '?level=product')
    expect(await screen.findByText(/forecasts no series of this kind/)).toBeVisible()
  })
})

describe('the model league', () => {
  it('is in order of MASE, with the baseline and the choice marked', async () => {
    hubAnswers()
    server.use(answers(`${API}/compare-models`, LEAGUE))
    open(<LeaguePage />)
    await userEvent.click(screen.getByRole('button', { name: 'Compare the models' }))
    expect(heads(await table('Model league'))).toEqual(['ThetaChosen', 'Seasonal naiveBaseline', 'ETS', 'ProphetToo short: 2 weeks.'])
    expect(screen.getByText('The automatic choice: Theta')).toBeVisible()
    expect(screen.getByText(/1 of 2 models err less than the seasonal naive forecast/)).toBeVisible()
  })
})

describe('why it moved', () => {
  it('shows the waterfall as a table that adds up, and the segments that explain most first', async () => {
    hubAnswers()
    const { router } = open(<DriversPage />)
    expect(await screen.findByText('Revenue rose by $100.10.')).toBeVisible()
    expect(screen.getByText('The periods are of different length.')).toBeVisible()
    expect(screen.getByRole('img', { name: /Lost customers -\$50\.05, Price \+\$150\.15/ })).toBeVisible()
    await userEvent.click(screen.getByRole('button', { name: 'Show the numbers' }))
    expect(heads(screen.getByRole('table', { name: 'What drove the change, numbers' }))).toEqual(['Before', 'Lost customers', 'Price', 'After'])
    expect(heads(await table('Segments that explain the change'))).toEqual(['Online', 'Store'])
    expect(screen.getByText('Together +$100.10')).toBeVisible()
    await choose('By', 'Region')
    expect(heads(await table('Segments that explain the change'))).toEqual(['North'])
    expect(router.state.location.search).toBe('?dimension=region')
  })

  it('shows the days that the server chose, and asks for those that a reader chooses', async () => {
    const asked: string[] = []
    hubAnswers()
    server.use(
      answersBy(`${API}/drivers`, (query) => {
        asked.push(String(query))
        return DRIVERS
      }),
    )
    open(<DriversPage />, '?from=2026-02-05&currency=USD')
    expect(await screen.findByDisplayValue('2026-01-31')).toBeVisible()
    expect(screen.getByLabelText('From')).toHaveValue('2026-02-05')
    expect(asked).toEqual(['metric=revenue&from=2026-02-05&currency=USD'])
  })
})

describe('revenue', () => {
  it('is cut by two dimensions, kept in the address beside the slice', async () => {
    const asked: string[] = []
    hubAnswers()
    server.use(
      answersBy(`${API}/revenue`, (query) => {
        if (query.get('grain') === 'month') asked.push(String(query))
        return REVENUE
      }),
    )
    const { router } = open(<RevenuePage />, '?region=North')
    expect(heads(await table('Revenue'))).toEqual(['Jan 2026', 'Jan 2026', 'Feb 2026'])
    expect(screen.getByText(/\$1,700\.50 from Jan 1, 2026 to Feb 28, 2026, order totals/)).toBeVisible()
    await choose('And by', 'Brand')
    await expect.poll(() => asked.at(-1)).toBe('region=North&grain=month&by=channel&by=brand&page_size=1000')
    expect(router.state.location.search).toBe('?region=North&and=brand')
    expect(screen.getByText('63.4%')).toBeVisible()
    expect(screen.getByText(/Marketing: no spend is known \(not in these figures\)/)).toBeVisible()
  })

  it('says that currencies were added up', async () => {
    hubAnswers()
    server.use(answers(`${API}/revenue`, { ...REVENUE, currencies: ['EUR', 'USD'] }))
    open(<RevenuePage />)
    expect(await screen.findByText(/Amounts in EUR, USD were added up as they stand/)).toBeVisible()
  })
})

describe('prices', () => {
  it('are shown in the currency of their row, sorted by the server, and competitors against ours', async () => {
    const asked: (string | null)[] = []
    hubAnswers()
    server.use(
      answersBy(`${API}/pricing`, (query) => {
        asked.push(query.get('sort'))
        return PRICES
      }),
    )
    open(<PricesPage />, '?group_by=product')
    const prices = await table('Prices by product')
    expect(within(prices).getByRole('row', { name: 'Kettle Rival €24.00 €20.00 20.0% Yes' })).toBeVisible()
    expect(within(prices).getByRole('row', { name: 'Toaster Rival €30.00 – – –' })).toBeVisible()
    await userEvent.click(within(prices).getByRole('button', { name: 'Our price' }))
    await expect.poll(() => asked).toEqual(['-gap_pct', '-list_price'])
    expect(screen.getByText(/our price index is 102\.4.*1 prices were left out/)).toBeVisible()
    expect(within(await table('Price wars')).getByRole('row', { name: 'c1 Rival Jan 5, 2026 Feb 1, 2026 No -18.0%' })).toBeVisible()
  })
})

describe('products', () => {
  it('say why they are at risk, and are filtered and sorted by the server', async () => {
    const asked: string[] = []
    hubAnswers()
    server.use(
      answersBy(`${API}/products`, (query) => {
        asked.push(String(query))
        return PRODUCTS
      }),
    )
    const { router } = open(<ProductsPage />)
    const row = within(await table('Products')).getByRole('row', { name: /Kettle/ })
    expect(row).toHaveTextContent('$1,200.00')
    expect(row).toHaveTextContent('1.25 units/day')
    expect(within(row).getByText('Sales fell by 40 %')).toBeVisible()
    expect(within(row).getByText('Not sold for 30 days')).toBeVisible()
    await userEvent.click(screen.getByRole('switch', { name: 'Only those at risk' }))
    await userEvent.type(screen.getByLabelText('Name'), 'ket')
    await expect.poll(() => asked.at(-1)).toBe('sort=-sales&at_risk=true&name=ket&page_size=25')
    expect(router.state.location.search).toBe('?at_risk=yes&name=ket')
    expect(within(await table('Brands')).getByRole('row', { name: 'Boil $2,100.00' })).toBeVisible()
  })
})

describe('the frame', () => {
  it.each([
    [['market_intel:read'], false],
    [['market_intel:read', 'market_intel:run'], true],
  ])('offers what begins work to those who may (%s)', (permissions, offered) => {
    renderPage(<MarketFrame />, { at: '/market-intelligence', loggedIn: true, user: { permissions } })
    expect(screen.getByRole('link', { name: 'Forecasts' })).toHaveAttribute('href', '/market-intelligence/forecasts')
    expect(screen.queryByRole('link', { name: 'Ask for a forecast' }) !== null).toBe(offered)
    expect(screen.queryByRole('link', { name: 'Model league' }) !== null).toBe(offered)
  })
})
