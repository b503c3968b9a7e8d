import { http, HttpResponse } from 'msw'
import { setupServer } from 'msw/node'

export const ADA = {
  id: 'u1',
  email: 'ada@example.com',
  full_name: 'Ada Lovelace',
  roles: ['viewer'],
  permissions: ['demand:read'],
  regions: [],
}

const column = (name: string, type: string, unit = '') => ({ name, type, unit, description: `About ${name}` })

/** What the segments endpoint answers, cut down to three rows. */
export const SEGMENTS = {
  items: [
    row('Champions', 432, 2104331.27, 45.84, 2.13, 118.44, 4871.14, 'Reward them'),
    row('At Risk', 1280, 389001.1, 8.47, 44.05, 49.3, 303.9, 'Write to them'),
    row('Lost', 202, 31220.02, 0.68, 198.2, 5.1, 154.55, 'Leave them be'),
  ],
  columns: [
    column('method', 'VARCHAR'),
    column('segment', 'VARCHAR'),
    column('customers', 'BIGINT', 'customers'),
    column('revenue', 'DECIMAL(18,2)', 'USD'),
    column('revenue_share_pct', 'DOUBLE', '%'),
    column('recency_days_mean', 'DOUBLE', 'days'),
    column('frequency_mean', 'DOUBLE', 'orders'),
    column('monetary_mean', 'DOUBLE', 'USD'),
    column('action', 'VARCHAR'),
  ],
  total_size: 3,
  method: 'rfm',
  lineage: {
    table: 'demand.customer_segments',
    version: 3,
    data_through_on: '2017-12-30',
    model_name: '',
    model_version: '',
    computed_at: '2026-11-21T04:40:00Z',
    degraded: '',
  },
}

/** The network of a test; each test adds the answers it is about. */
export const server = setupServer()

export const SEGMENTS_PATH = '*/api/v1/demand-insights/segments'

export function answers(path: string, body: object) {
  return http.all(path, () => HttpResponse.json(body as never))
}

/** Answers by what is asked, and notes it. */
export function answersBy(path: string, answer: (query: URLSearchParams, request: Request) => object | Promise<object>) {
  return http.all(path, async ({ request }) => HttpResponse.json((await answer(new URL(request.url).searchParams, request)) as never))
}

export function refuses(path: string, status: number, reason: string, detail: string, more: object = {}) {
  const body = { type: 'about:blank', title: reason, status, detail, reason, ...more }
  const headers = { 'Content-Type': 'application/problem+json' }
  return http.all(path, () => HttpResponse.json(body as never, { status, headers }))
}

function row(
  segment: string,
  customers: number,
  revenue: number,
  revenue_share_pct: number,
  recency_days_mean: number,
  frequency_mean: number,
  monetary_mean: number,
  action: string,
) {
  return {
    method: 'rfm',
    segment,
    customers,
    revenue,
    revenue_share_pct,
    recency_days_mean,
    frequency_mean,
    monetary_mean,
    action,
  }
}
