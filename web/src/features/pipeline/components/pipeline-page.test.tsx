import { screen, within } from '@testing-library/react'
import userEvent from '@testing-library/user-event'
import { http, HttpResponse } from 'msw'
import { beforeEach, describe, expect, it } from 'vitest'
import { PipelinePage } from '@/features/pipeline/components/pipeline-page'
import { renderPage } from '@/testing/render'
import { ADA, answers, refuses, server } from '@/testing/server'

const RUN = {
  run_id: '20261121T080000000000Z',
  status: 'succeeded',
  started_at: '2026-11-21T08:00:00Z',
  seconds: 19.4,
  source: 'complete-journey',
  progress_pct: 100,
  current_tables: [],
  tables: [{ table: 'curated.orders', version: 3, changed: true, rows_in: 5, rows: 4, quarantined: 1, seconds: 1, note: '' }],
  failures: [],
  skipped: [],
}
const QUALITY = {
  items: [
    {
      table: 'curated.order_items',
      score: 81.25,
      status: 'warn',
      dimensions: [
        { dimension: 'validity', status: 'warn' },
        { dimension: 'uniqueness', status: 'ok' },
      ],
      rows: 1460438,
      quarantined: 8869,
      lake_version: 0,
      run_id: RUN.run_id,
    },
  ],
  total_size: 1,
}
const line = (stage: string, reason: string, row_count: number, amount: number | null) => ({
  table_name: 'curated.orders',
  day: '',
  stage,
  reason,
  currency_code: amount === null ? '' : 'USD',
  row_count,
  amount,
})
const LEDGER = {
  items: [line('source', 'given', 5, 10.5), line('curated', 'quarantined:totals_add_up', 1, 0.5), line('curated', 'kept', 4, 10)],
  columns: [],
  total_size: 3,
  unexplained_rows: 0,
}
const LINEAGE = {
  lineage: {
    table: 'demand.customer_segments',
    tables: [
      { name: 'curated.orders', description: 'Orders', distance: -1 },
      { name: 'demand.customer_segments', description: 'Segments', distance: 0 },
    ],
    edges: [{ upstream: 'curated.orders', downstream: 'demand.customer_segments' }],
    columns: [{ column: 'revenue', upstream: ['curated.orders.total'], downstream: [], made: 'computed' }],
  },
}

beforeEach(() => {
  server.use(
    answers('*/api/v1/pipeline/runs', { items: [RUN], total_size: 1 }),
    answers('*/api/v1/pipeline/quality', QUALITY),
    answers('*/api/v1/pipeline/reconciliation', LEDGER),
    answers('*/api/v1/pipeline/lineage/*', LINEAGE),
  )
})

const open = () => renderPage(<PipelinePage />, { at: '/pipeline', loggedIn: true })
const table = (name: string) => screen.findByRole('table', { name })

describe('the data pipeline page', () => {
  it('shows runs, quality, the ledger and lineage', async () => {
    open()
    expect(within(await table('Runs')).getByText('1 of 1 tables changed')).toBeInTheDocument()
    const quality = within(await table('Quality'))
    expect(quality.getByRole('rowheader')).toHaveTextContent('curated.order_items')
    expect(quality.getByText('81.3')).toBeInTheDocument()
    expect(quality.getByText('validity')).toBeInTheDocument()
    expect(quality.queryByText('uniqueness')).not.toBeInTheDocument()
    const ledger = within(await table('Reconciliation'))
    expect(ledger.getByText('Ties')).toBeInTheDocument()
    expect(ledger.getByText('Quarantined: totals add up')).toBeInTheDocument()
    expect(ledger.getByText('10.50 USD')).toBeInTheDocument()
    expect(within(await table('Columns of demand.customer_segments')).getByText('curated.orders.total')).toBeInTheDocument()
  })

  it('says how many rows nothing explains', async () => {
    const broken = { ...LEDGER, items: [...LEDGER.items, line('curated', 'unexplained', 2, null)], unexplained_rows: 2 }
    server.use(answers('*/api/v1/pipeline/reconciliation', broken))
    open()
    expect(await screen.findByText(/2 rows differ between two stages/)).toBeInTheDocument()
    expect(within(await table('Reconciliation')).queryByText('Ties')).not.toBeInTheDocument()
  })

  it('shows how far a run has come and why a table could not be made', async () => {
    const failed = { ...RUN, run_id: 'b', status: 'failed', failures: [{ table: 'curated.orders', detail: 'disk full' }], skipped: ['demand.rfm_scores'] }
    const running = { ...RUN, run_id: 'c', status: 'running', progress_pct: 40, current_tables: ['curated.products'] }
    server.use(answers('*/api/v1/pipeline/runs', { items: [running, failed], total_size: 2 }))
    open()
    const runs = within(await table('Runs'))
    expect(runs.getByRole('progressbar', { name: 'Tables done' })).toHaveAttribute('aria-valuenow', '40')
    expect(runs.getByText(/Making curated.products, 40%/)).toBeInTheDocument()
    expect(runs.getByText('curated.orders: disk full')).toBeInTheDocument()
    expect(runs.getByText('Not tried: demand.rfm_scores')).toBeInTheDocument()
  })

  it('lets only those start a run who may', async () => {
    open()
    await table('Runs')
    expect(screen.queryByRole('button', { name: 'Run now' })).not.toBeInTheDocument()
  })

  it('starts a run and shows a refusal', async () => {
    ADA.permissions.push('pipeline:run')
    server.use(
      http.post('*/api/v1/pipeline/runs', () =>
        HttpResponse.json({ title: 'Conflict', status: 409, reason: 'PIPELINE_RUNNING', detail: 'a run is under way' }, { status: 409 }),
      ),
    )
    open()
    await userEvent.click(await screen.findByRole('button', { name: 'Run now' }))
    expect(await screen.findByText(/^a run is under way/i)).toBeInTheDocument()
    ADA.permissions.pop()
  })

  it('says what a panel could not show, and the others stand', async () => {
    server.use(refuses('*/api/v1/pipeline/quality', 503, 'SERVICE_UNAVAILABLE', 'the pipeline service is not running here'))
    open()
    expect(await screen.findByRole('alert')).toBeInTheDocument()
    expect(await table('Reconciliation')).toBeInTheDocument()
  })

  it('says plainly that nothing has happened yet', async () => {
    server.use(answers('*/api/v1/pipeline/runs', { items: [], total_size: 0 }), answers('*/api/v1/pipeline/quality', { items: [], total_size: 0 }))
    open()
    expect(await screen.findByText(/No run yet/)).toBeInTheDocument()
    expect(await screen.findByText(/Nothing has been measured yet/)).toBeInTheDocument()
  })
})
