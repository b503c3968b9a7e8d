import { screen, within } from '@testing-library/react'
import userEvent from '@testing-library/user-event'
import { http, HttpResponse } from 'msw'
import { describe, expect, it } from 'vitest'
import { ApiKeysPage } from '@/features/account/components/api-keys-page'
import { renderPage } from '@/testing/render'
import { answers, refuses, server } from '@/testing/server'

const KEYS = '*/api/v1/auth/api-keys'
const LATER = '2126-11-21T12:00:00Z'
const NIGHTLY = { id: 'k1', name: 'nightly export', prefix: 'abcd1234', scopes: ['demand:read'], created_at: '2026-11-20T12:00:00Z', expires_at: LATER, rotated: false }
const SECRET = 'si_abcd1234_secret'
const listed = (...items: object[]) => http.get(KEYS, () => HttpResponse.json({ items: items as never, total_size: items.length }))
const keep = async () => {
  expect(await screen.findByRole('textbox', { name: 'key' })).toHaveTextContent(SECRET)
  await userEvent.click(screen.getByRole('checkbox', { name: /I have stored it/ }))
  await userEvent.click(screen.getByRole('button', { name: 'Done' }))
  await expect.poll(() => screen.queryByText(SECRET)).toBeNull()
}

describe('the page of API keys', () => {
  it('tells when each was used and ends, and which has a successor', async () => {
    server.use(
      listed(
        { ...NIGHTLY, id: 'k2', last_used_at: '2026-11-21T12:00:00Z' },
        { ...NIGHTLY, name: 'old export', rotated: true },
        { ...NIGHTLY, id: 'k3', name: 'short', expires_at: new Date(Date.now() + 86_400_000).toISOString() },
      ),
    )
    renderPage(<ApiKeysPage />, { loggedIn: true })
    const [used, rotated, short] = await screen.findAllByRole('listitem')
    expect(used).toHaveTextContent(/si_abcd1234_….*Last usedNov 21, 2026.*EndsNov 21, 2126.*Scopesdemand:read/)
    expect(rotated).toHaveTextContent(/Has a successor.*Last usednever/)
    expect(within(rotated as HTMLElement).queryByRole('button', { name: /Rotate/ })).toBeNull()
    expect(short).toHaveTextContent('Ends soon')
  })

  it('makes a key with what the person may do, and shows it once', async () => {
    const asked: unknown[] = []
    server.use(
      listed(),
      http.post(KEYS, async ({ request }) => {
        asked.push(await request.json())
        return HttpResponse.json({ key: SECRET, api_key: NIGHTLY })
      }),
    )
    renderPage(<ApiKeysPage />, { loggedIn: true, user: { permissions: ['demand:read', 'demand:run', 'pii:read'] } })
    expect(await screen.findByText('You have no keys yet.')).toBeVisible()
    await userEvent.click(screen.getByRole('button', { name: 'Make a key' }))
    await userEvent.type(screen.getByLabelText(/What it is for/), ' nightly export ')
    expect(screen.getByRole('button', { name: 'Make the key' })).toBeDisabled()
    expect(screen.getAllByRole('checkbox')).toHaveLength(3)
    await userEvent.click(screen.getByRole('checkbox', { name: 'demand:run' }))
    await userEvent.click(screen.getByRole('checkbox', { name: 'demand:read' }))
    await userEvent.click(screen.getByRole('checkbox', { name: 'demand:run' }))
    await userEvent.click(screen.getByRole('combobox', { name: /Holds for/ }))
    await userEvent.click(screen.getByRole('option', { name: '30 days' }))
    await userEvent.click(screen.getByRole('button', { name: 'Make the key' }))
    await keep()
    expect(asked).toEqual([{ name: 'nightly export', scopes: ['demand:read'], expires_in_days: 30 }])
  })

  it('says why no key was made', async () => {
    server.use(listed(), http.post(KEYS, () => HttpResponse.json({ status: 400, title: 'Failed', detail: 'you have 50 API keys', reason: 'TOO_MANY_API_KEYS' }, { status: 400 })))
    renderPage(<ApiKeysPage />, { loggedIn: true })
    await userEvent.click(screen.getByRole('button', { name: 'Make a key' }))
    await userEvent.type(screen.getByLabelText(/What it is for/), 'x')
    await userEvent.click(screen.getByRole('checkbox', { name: 'demand:read' }))
    await userEvent.click(screen.getByRole('button', { name: 'Make the key' }))
    expect(await screen.findByRole('alert')).toHaveTextContent('You have 50 API keys.')
  })

  it('rotates a key with the overlap that was chosen', async () => {
    const asked: unknown[] = []
    server.use(
      listed(NIGHTLY),
      http.post(`${KEYS}/k1/rotate`, async ({ request }) => {
        asked.push(await request.json())
        return HttpResponse.json({ key: SECRET, api_key: NIGHTLY })
      }),
    )
    renderPage(<ApiKeysPage />, { loggedIn: true })
    await userEvent.click(await screen.findByRole('button', { name: 'Rotate nightly export' }))
    expect(screen.getByText(/The old key holds until/)).toBeVisible()
    await userEvent.click(screen.getByRole('combobox', { name: 'Overlap' }))
    await userEvent.click(screen.getByRole('option', { name: 'The old key ends at once' }))
    expect(screen.getByText('Programs with the old key are refused from now on.')).toBeVisible()
    await userEvent.click(screen.getByRole('button', { name: 'Rotate' }))
    await keep()
    expect(asked).toEqual([{ overlap_hours: 0 }])
  })

  it('revokes a key only when it is said twice', async () => {
    server.use(listed(NIGHTLY), refuses(`${KEYS}/k1`, 404, 'API_KEY_NOT_FOUND', 'you have no API key of that id'))
    renderPage(<ApiKeysPage />, { loggedIn: true })
    await userEvent.click(await screen.findByRole('button', { name: 'Revoke nightly export' }))
    await userEvent.click(screen.getByRole('button', { name: 'Revoke the key' }))
    expect(await screen.findByRole('alert')).toHaveTextContent('You have no API key of that id.')
    server.use(answers(`${KEYS}/k1`, {}), listed())
    await userEvent.click(screen.getByRole('button', { name: 'Revoke the key' }))
    expect(await screen.findByText('You have no keys yet.')).toBeVisible()
  })
})
