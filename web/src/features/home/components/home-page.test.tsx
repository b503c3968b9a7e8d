import { screen, within } from '@testing-library/react'
import { beforeEach, expect, it } from 'vitest'
import { HomePage } from '@/features/home/components/home-page'
import { renderPage } from '@/testing/render'
import { answers, server } from '@/testing/server'

const system = (name: string, title: string, status: string) => ({
  name,
  title,
  status,
  prefix: name,
  zone: name,
  description: `About ${title}`,
})

const DASHBOARD = {
  name: 'executive',
  systems: [
    {
      system: 'market_intel',
      title: 'Market Intelligence Hub',
      tiles: [{ key: 'revenue_7d', title: 'Revenue, last 7 days', value: 78935.91, unit: 'USD', change_pct: -31.44 }],
      lineage: { data_through_on: '2017-12-31' },
    },
    { system: 'demand', title: 'Demand', tiles: [{ key: 'customers', title: 'Customers who bought', value: 2469, unit: '' }], lineage: { data_through_on: '2018-01-01' } },
  ],
  missing: [],
}

beforeEach(() => server.use(answers('*/api/v1/dashboards/executive', DASHBOARD)))

it('shows how the business stands, and through which day', async () => {
  server.use(answers('*/api/v1/systems', { items: [] }))
  renderPage(<HomePage />, { loggedIn: true })
  expect(await screen.findByText('$78,935.91')).toBeVisible()
  expect(screen.getByText('-31.4% against the period before')).toBeVisible()
  expect(screen.getByText('2,469')).toBeVisible()
  expect(screen.getByText('Data through Dec 31, 2017.')).toBeVisible()
})

it('links to the systems that run and says plainly which do not', async () => {
  server.use(
    answers('*/api/v1/systems', {
      items: [
        system('copilot', 'Retail Copilot', 'not_running'),
        system('compliance', 'Compliance Guardian', 'down'),
        system('demand', 'Demand Insights Engine', 'up'),
      ],
    }),
  )
  renderPage(<HomePage />, { loggedIn: true })
  const demand = await screen.findByRole('link', { name: /Demand Insights Engine/ })
  expect(demand).toHaveAttribute('href', '/demand/segments')
  const [first, second, third] = screen.getAllByRole('listitem')
  expect(first).toContainElement(demand)
  expect(second).toHaveTextContent('does not answer')
  expect(third).toHaveTextContent('No service of this system runs')
  for (const card of [second, third]) expect(within(card as HTMLElement).queryByRole('link')).not.toBeInTheDocument()
})
