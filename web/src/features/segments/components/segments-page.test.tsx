import { screen, within } from '@testing-library/react'
import userEvent from '@testing-library/user-event'
import { http, HttpResponse } from 'msw'
import { describe, expect, it, vi } from 'vitest'
import { SegmentsPage } from '@/features/segments/components/segments-page'
import { renderPage } from '@/testing/render'
import { answers, refuses, SEGMENTS, SEGMENTS_PATH, server } from '@/testing/server'

// jsdom has no canvas; the chart itself is looked at in the browser test, its table is here.
vi.mock('@/components/chart', () => ({ Chart: () => null }))

const open = (at = '/demand/segments') => renderPage(<SegmentsPage />, { at, loggedIn: true })
const table = () => screen.findByRole('table', { name: 'Segments in detail' })

async function names() {
  const rows = within(await table()).getAllByRole('rowheader')
  return rows.map((cell) => cell.textContent)
}

describe('the segments page', () => {
  it('shows every column of every segment, largest revenue first, formatted by its unit', async () => {
    server.use(answers(SEGMENTS_PATH, SEGMENTS))
    open()
    expect(await names()).toEqual(['Champions', 'At Risk', 'Lost'])
    const cells = within(await screen.findByRole('row', { name: /^Champions 432/ })).getAllByRole('cell')
    expect(cells.map((cell) => cell.textContent)).toEqual([
      '432',
      '$2,104,331.27',
      '45.8%',
      '2.1 days',
      '118.4',
      '$4,871.14',
      'Reward them',
    ])
    expect(screen.getByLabelText('Where these numbers come from')).toHaveTextContent('demand.customer_segments, version 3')
  })

  it('sorts by a column, numbers largest first and words from A', async () => {
    server.use(answers(SEGMENTS_PATH, SEGMENTS))
    open()
    const heading = (name: string) => screen.getByRole('columnheader', { name })
    await table()
    await userEvent.click(within(heading('Customers')).getByRole('button'))
    expect(await names()).toEqual(['At Risk', 'Champions', 'Lost'])
    expect(heading('Customers')).toHaveAttribute('aria-sort', 'descending')
    await userEvent.click(within(heading('Customers')).getByRole('button'))
    expect(await names()).toEqual(['Lost', 'Champions', 'At Risk'])
    expect(heading('Customers')).toHaveAttribute('aria-sort', 'ascending')
    await userEvent.click(within(await table()).getByRole('button', { name: 'Segment' }))
    expect(await names()).toEqual(['At Risk', 'Champions', 'Lost'])
  })

  it('keeps the method and the day in the address and asks for them', async () => {
    const asked: string[] = []
    server.use(
      http.get(SEGMENTS_PATH, ({ request }) => {
        asked.push(new URL(request.url).search)
        return HttpResponse.json({ ...SEGMENTS, method: 'kmeans', silhouette: 0.41, silhouette_k: 2 })
      }),
    )
    const { router } = open('/demand/segments?as_of=2026-11-21')
    await table()
    await userEvent.click(screen.getByRole('button', { name: 'K-Means tiers' }))
    await expect.poll(() => router.state.location.search).toBe('?method=kmeans&as_of=2026-11-21')
    await expect.poll(() => asked.at(-1)).toBe('?method=kmeans&page_size=1000&as_of=2026-11-21')
    const separation = await screen.findByRole('region', { name: 'How distinct the tiers are' })
    expect(separation).toHaveTextContent('Silhouette0.41Suggested k2')
  })

  it('tells the chart as a table to those who cannot see it', async () => {
    server.use(answers(SEGMENTS_PATH, SEGMENTS))
    open()
    const shares = await screen.findByRole('table', { name: 'Share of revenue and of customers by segment' })
    expect(within(shares).getByRole('row', { name: 'Champions 45.8% 22.6%' })).toBeInTheDocument()
  })

  it('says which command makes the segments where there are none yet', async () => {
    const detail = 'demand.customer_segments: no such table in the lake; run `python -m pipeline run`'
    server.use(refuses(SEGMENTS_PATH, 400, 'LAKE_TABLE_MISSING', detail))
    open()
    expect(await screen.findByText('No segments yet')).toBeVisible()
    expect(screen.getByText('python -m pipeline run')).toBeVisible()
    server.use(answers(SEGMENTS_PATH, SEGMENTS))
    await userEvent.click(screen.getByRole('button', { name: 'Check again' }))
    expect(await names()).toHaveLength(3)
  })

  it('shows what went wrong with its trace id, and tries again when told to', async () => {
    server.use(refuses(SEGMENTS_PATH, 503, 'SERVICE_UNAVAILABLE', 'demand does not answer', { trace_id: 'trace-9' }))
    open()
    const alert = await screen.findByRole('alert')
    expect(alert).toHaveTextContent('Demand does not answer.')
    expect(alert).toHaveTextContent('trace-9')
    server.use(answers(SEGMENTS_PATH, SEGMENTS))
    await userEvent.click(within(alert).getByRole('button', { name: 'Try again' }))
    expect(await names()).toHaveLength(3)
    expect(screen.queryByRole('alert')).not.toBeInTheDocument()
  })

  it('says so when an older version had to be served', async () => {
    const lineage = { ...SEGMENTS.lineage, degraded: 'Version 4 is corrupt.' }
    server.use(answers(SEGMENTS_PATH, { ...SEGMENTS, lineage }))
    open()
    expect(await screen.findByRole('alert')).toHaveTextContent('an older one is shown. Version 4 is corrupt.')
  })
})
