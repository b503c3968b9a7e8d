import { screen, within } from '@testing-library/react'
import { expect, it } from 'vitest'
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
