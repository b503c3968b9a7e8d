import { screen, waitFor, within } from '@testing-library/react'
import userEvent from '@testing-library/user-event'
import { http, HttpResponse } from 'msw'
import { beforeEach, describe, expect, it } from 'vitest'
import { AlertBell } from '@/features/alerts/components/alert-bell'
import { AlertsPage } from '@/features/alerts/components/alerts-page'
import { renderPage } from '@/testing/render'
import { ADA, answers, refuses, server } from '@/testing/server'

const RULES = '*/api/v1/alert-rules'
const RULE = {
  id: 'r1',
  owner: ADA.id,
  name: 'Revenue falls',
  metric: 'demand.revenue',
  condition: { operator: 'change_pct<', threshold: -10 },
  for_minutes: 15,
  channels: [
    { id: 'c1', kind: 'in_app' },
    { id: 'c2', kind: 'webhook', template: 'slack', url: 'https://hooks.slack.com/…', has_secret: true },
  ],
  enabled: true,
  state: 'ok',
  state_since: '2026-11-21T07:00:00.000Z',
  value: 3.25,
  evaluated_at: '2026-11-21T08:00:00.000Z',
  problem: '',
  created_at: '2026-11-21T07:00:00.000Z',
  updated_at: '2026-11-21T07:00:00.000Z',
}
const EVENT = {
  event_id: 7,
  rule_id: 'r1',
  name: RULE.name,
  kind: 'test',
  metric: RULE.metric,
  value: 1,
  operator: 'change_pct<',
  threshold: -10,
  at: '2026-11-21T08:00:00.000Z',
  in_app: true,
  detail: 'demand.revenue is -12.5',
  deliveries: [{ channel_id: 'c2', kind: 'webhook', outcome: 'failed', reason: 'WEBHOOK_STATUS_500' }],
}
const dashboard = (tiles: object[]) => ({ name: 'executive', systems: [{ system: 'demand', title: 'Demand', tiles }], missing: [] })

let sent: { method: string; body: unknown }[]
let rules: object[]

beforeEach(() => {
  sent = []
  rules = [RULE]
  const note = async ({ request }: { request: Request }) => {
    sent.push({ method: request.method, body: request.method === 'DELETE' ? undefined : await request.json() })
    return HttpResponse.json(request.method === 'DELETE' ? {} : RULE)
  }
  server.use(
    answers('*/api/v1/dashboards/executive', dashboard([{ key: 'revenue', title: 'Revenue', value: 120, unit: 'USD' }])),
    answers('*/api/v1/dashboards/operations', dashboard([])),
    http.get(RULES, () => HttpResponse.json({ items: rules, total_size: rules.length })),
    http.post(RULES, note),
    http.patch(`${RULES}/:id`, note),
    http.delete(`${RULES}/:id`, note),
  )
})

const open = () => renderPage(<AlertsPage />, { at: '/alerts', loggedIn: true })
const fill = async (field: HTMLElement, text: string) => {
  await userEvent.clear(field)
  await userEvent.paste(text)
}
const choose = async (deed: string) => {
  await userEvent.click(await screen.findByRole('button', { name: `What can be done with ${RULE.name}` }))
  await userEvent.click(screen.getByRole('menuitem', { name: deed }))
}

describe('the alerts page', () => {
  it('says in plain words what a rule does and how it stands', async () => {
    open()
    const row = within((await screen.findByRole('rowheader', { name: /Revenue falls/ })).closest('tr') as HTMLElement)
    expect(await row.findByText(/“Demand: Revenue” falls by more than 10%.*15 minutes/)).toBeInTheDocument()
    expect(row.getByText(/in this app and through Slack/)).toBeInTheDocument()
    expect(row.getByText('Quiet')).toBeInTheDocument()
    await userEvent.click(row.getByRole('switch', { name: 'Revenue falls is on' }))
    await waitFor(() => expect(sent).toEqual([{ method: 'PATCH', body: { enabled: false } }]))
  })

  it('makes a rule on a figure, with the words changing along', async () => {
    open()
    await userEvent.click(screen.getByRole('button', { name: 'New rule' }))
    const dialog = within(screen.getByRole('dialog', { name: 'New alert rule' }))
    const save = dialog.getByRole('button', { name: 'Make the rule' })
    expect(save).toBeDisabled()
    await fill(dialog.getByLabelText(/Name/), 'Low')
    await userEvent.click(dialog.getByLabelText(/Figure/))
    await userEvent.click(await screen.findByRole('option', { name: 'Demand: Revenue' }))
    await fill(dialog.getByLabelText(/Threshold/), '-2.5')
    await userEvent.click(dialog.getByRole('button', { name: 'E-mail' }))
    expect(dialog.getByRole('status', { name: 'In plain words' })).toHaveTextContent(
      'Tell me in this app and by e-mail when “Demand: Revenue” falls by more than 2.5% against the period before, and again when that is over.',
    )
    await userEvent.click(save)
    expect(await screen.findByText('Low watches from now on.')).toBeInTheDocument()
    const condition = { operator: 'change_pct<', threshold: -2.5 }
    const body = { name: 'Low', metric: 'demand.revenue', condition, for_minutes: 0, channels: [{ kind: 'in_app' }, { kind: 'email' }], enabled: true }
    expect(sent).toEqual([{ method: 'POST', body }])
  })

  it('keeps a webhook’s address and secret that are not typed anew, and says what is wrong at its field', async () => {
    open()
    await choose('Change …')
    const dialog = within(screen.getByRole('dialog', { name: 'Change Revenue falls' }))
    expect(dialog.getByText('Kept: https://hooks.slack.com/…')).toBeInTheDocument()
    await userEvent.click(dialog.getByRole('button', { name: 'Save' }))
    await waitFor(() => expect(sent).toHaveLength(1))
    expect(sent[0]?.body).toMatchObject({ channels: [{ kind: 'in_app', id: 'c1' }, { kind: 'webhook', id: 'c2', template: 'slack' }] })
    expect(JSON.stringify(sent[0]?.body)).not.toContain('hooks.slack.com')
  })

  it('says at the field which address is refused', async () => {
    const errors = [{ field: 'channels.1.url', detail: 'only public hosts' }]
    open()
    await choose('Change …')
    server.use(refuses(`${RULES}/:id`, 400, 'WEBHOOK_ADDRESS_REFUSED', 'x', { errors }))
    const dialog = within(screen.getByRole('dialog', { name: 'Change Revenue falls' }))
    await fill(dialog.getByLabelText('Address'), 'https://127.0.0.1/')
    await userEvent.click(dialog.getByRole('button', { name: 'Save' }))
    expect(await dialog.findByText('Only public hosts.')).toBeInTheDocument()
  })

  it('sends a test and says how each channel took it', async () => {
    server.use(answers(`${RULES}/r1/test`, EVENT))
    open()
    await choose('Send a test notice')
    await userEvent.click(screen.getByRole('button', { name: 'Send the test' }))
    expect(await screen.findByText('Webhook: failed (WEBHOOK_STATUS_500)')).toBeInTheDocument()
  })

  it('tells what happened to a rule', async () => {
    server.use(answers(`${RULES}/r1/events`, { items: [{ ...EVENT, kind: 'fired' }], total_size: 1, next_page_token: '' }))
    open()
    await choose('What happened')
    const table = within(await screen.findByRole('table', { name: 'Events' }))
    expect(table.getByText('Fired')).toBeInTheDocument()
    expect(table.getByText('demand.revenue is -12.5')).toBeInTheDocument()
  })

  it('deletes once that is confirmed', async () => {
    open()
    await choose('Delete')
    await userEvent.click(screen.getByRole('button', { name: 'Delete' }))
    expect(await screen.findByText('Revenue falls was deleted.')).toBeInTheDocument()
    expect(sent).toEqual([{ method: 'DELETE', body: undefined }])
  })
})

describe('the bell', () => {
  it('tells what happened until it was looked at, where the rule says in this app', async () => {
    const events = [{ ...EVENT, kind: 'resolved' }, { ...EVENT, event_id: 6, kind: 'fired', name: 'By mail alone', in_app: false }]
    server.use(answers(`${RULES}/events`, { items: events, total_size: 2 }))
    renderPage(<AlertBell />, { loggedIn: true })
    await userEvent.click(await screen.findByRole('button', { name: 'Alerts: 1 unread alert' }))
    const dialog = within(screen.getByRole('dialog', { name: 'Alerts' }))
    expect(dialog.getByText('Revenue falls')).toBeInTheDocument()
    expect(dialog.queryByText('By mail alone')).toBeNull()
    await userEvent.keyboard('{Escape}')
    expect(await screen.findByRole('button', { name: 'Alerts: no unread alerts' })).toBeInTheDocument()
  })
})
