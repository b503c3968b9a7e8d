import { screen, waitFor, within } from '@testing-library/react'
import userEvent from '@testing-library/user-event'
import { http, HttpResponse } from 'msw'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { asQuery, NO_FILTER } from '@/features/admin/api/audit-log'
import { AuditPage } from '@/features/admin/components/audit-page'
import * as csv from '@/lib/csv'
import { renderPage } from '@/testing/render'
import { ADA, answers, server } from '@/testing/server'

const entry = (seq: number, action: string, more: object = {}) => ({
  seq,
  at: '2026-11-21T08:00:00Z',
  actor: ADA.id,
  action,
  target: 'session-0123456789',
  address: '192.0.2.1',
  details: {},
  prev_hash: 'a'.repeat(64),
  hash: 'b'.repeat(64),
  ...more,
})
let asked: URLSearchParams[]

beforeEach(() => {
  asked = []
  server.use(
    answers('*/api/v1/auth/users', { items: [{ ...ADA, disabled: false }], next_page_token: '', total_size: 1 }),
    http.get('*/api/v1/auth/audit-log', ({ request }) => {
      const query = new URL(request.url).searchParams
      asked.push(query)
      return HttpResponse.json(
        query.has('page_token')
          ? { items: [entry(1, 'user.created', { actor: 'shell', details: { roles: 'viewer' } })], next_page_token: '', total_size: 2 }
          : { items: [entry(2, 'login.failed', { actor: '' })], next_page_token: 'more', total_size: 2 },
      )
    }),
  )
})

const open = (at = '/admin/audit-log') => renderPage(<AuditPage />, { at, loggedIn: true })

describe('the audit log', () => {
  it('says who did what from where, by names where it knows them', async () => {
    open()
    const table = within(await screen.findByRole('table', { name: 'Audit log' }))
    expect(table.getByText('Login failed')).toBeInTheDocument()
    expect(table.getByText('192.0.2.1')).toBeInTheDocument()
    await userEvent.click(screen.getByRole('button', { name: 'Next' }))
    expect(await table.findByText('roles: viewer')).toBeInTheDocument()
    expect(table.getByText('shell')).toBeInTheDocument()
  })

  it('filters by a person found by address, by action and by where it came from', async () => {
    const { router } = open()
    await userEvent.click(await screen.findByLabelText('Who did it'))
    await userEvent.click(await screen.findByRole('option', { name: ADA.email }))
    await userEvent.type(screen.getByLabelText('What was done'), 'key.{Enter}')
    await userEvent.type(screen.getByLabelText('From which address'), '192.0.2.7')
    await waitFor(() => expect(asked.at(-1)?.get('address')).toBe('192.0.2.7'))
    expect(asked.at(-1)?.get('actor')).toBe(ADA.id)
    expect(asked.at(-1)?.get('action')).toBe('key.')
    expect(router.state.location.search).toContain('action=key.')
    await userEvent.click(screen.getByRole('button', { name: 'Clear' }))
    await waitFor(() => expect(router.state.location.search).toBe(''))
    expect(screen.getByLabelText('From which address')).toHaveValue('')
  })

  it('takes days as those of the reader, both included', () => {
    const query = asQuery({ ...NO_FILTER, from: '2026-11-20', to: '2026-11-30' })
    expect(new Date(query.since ?? '')).toEqual(new Date(2026, 10, 20))
    expect(new Date(query.until ?? '')).toEqual(new Date(2026, 11, 1))
  })

  it('exports every page of what the filter finds', async () => {
    const saved = vi.spyOn(csv, 'saveCsv').mockImplementation(() => undefined)
    open('/admin/audit-log?actor=u1')
    await userEvent.click(await screen.findByRole('button', { name: 'Export CSV' }))
    await waitFor(() => expect(saved).toHaveBeenCalledOnce())
    const [name, header, rows] = saved.mock.calls[0] as Parameters<typeof csv.saveCsv>
    expect(name).toMatch(/^audit-log-.*\.csv$/)
    expect(header.slice(0, 3)).toEqual(['seq', 'at', 'actor'])
    expect(rows.map((row) => row[0])).toEqual([2, 1])
    expect(asked.at(-1)?.get('actor')).toBe('u1')
  })

  it('says whether the chain is whole', async () => {
    server.use(answers('*/api/v1/auth/audit-log/chain', { whole: true, seq: 2, hash: 'c'.repeat(64), broken: '' }))
    open()
    await userEvent.click(screen.getByRole('button', { name: 'Check the log' }))
    expect(await screen.findByText(/all 2 entries are as they were written/)).toBeInTheDocument()
    server.use(answers('*/api/v1/auth/audit-log/chain', { whole: false, seq: 0, hash: '', broken: 'row 7 is missing' }))
    await userEvent.click(screen.getByRole('button', { name: 'Check again' }))
    expect(await screen.findByText(/row 7 is missing/)).toBeInTheDocument()
  })
})
