import { screen, waitFor, within } from '@testing-library/react'
import userEvent from '@testing-library/user-event'
import { http, HttpResponse } from 'msw'
import { beforeEach, describe, expect, it } from 'vitest'
import { UsersPage } from '@/features/admin/components/users-page'
import { renderPage } from '@/testing/render'
import { ADA, refuses, server } from '@/testing/server'

const USERS = '*/api/v1/auth/users'
const GRACE = {
  id: 'u2',
  email: 'grace@example.com',
  full_name: 'Grace Hopper',
  roles: ['analyst'],
  regions: ['Kent'],
  disabled: false,
  email_verified: true,
  has_password: true,
}
const OWN = { ...GRACE, id: ADA.id, email: ADA.email, full_name: ADA.full_name, roles: ['admin'], regions: [] }

let asked: URL[]
let sent: { method: string; path: string; body: unknown }[]

beforeEach(() => {
  ADA.permissions = ['auth:read', 'auth:manage']
  asked = []
  sent = []
  server.use(
    http.get(USERS, ({ request }) => {
      asked.push(new URL(request.url))
      const second = asked.at(-1)?.searchParams.has('page_token')
      return HttpResponse.json({ items: second ? [GRACE] : [OWN, GRACE], next_page_token: second ? '' : 'two', total_size: 3 })
    }),
    http.all(`${USERS}*/*`, async ({ request }) => {
      const body = request.method === 'PATCH' ? await request.json() : undefined
      sent.push({ method: request.method, path: new URL(request.url).pathname, body })
      return HttpResponse.json({ user: GRACE, sessions_ended: 2 })
    }),
  )
  return () => {
    ADA.permissions = ['demand:read']
  }
})

const open = (at = '/admin/users') => renderPage(<UsersPage />, { at, loggedIn: true })
const menuOf = async (email: string) =>
  userEvent.click(await screen.findByRole('button', { name: `What can be done with ${email}` }))
const fill = async (field: HTMLElement, text: string) => {
  await userEvent.click(field)
  await userEvent.paste(text)
}
const choose = (name: string) => userEvent.click(screen.getByRole('menuitem', { name }))

describe('the users page', () => {
  it('shows who has an account, page by page', async () => {
    open()
    const row = (await screen.findByRole('rowheader', { name: /Grace Hopper/ })).closest('tr') as HTMLElement
    expect(row).toHaveTextContent('Analyst')
    expect(row).toHaveTextContent('Kent')
    expect(row).toHaveTextContent('Active')
    expect(screen.getByText('1–2 of 3')).toBeInTheDocument()
    await userEvent.click(screen.getByRole('button', { name: 'Next' }))
    expect(await screen.findByText('3–3 of 3')).toBeInTheDocument()
    expect(asked.at(-1)?.searchParams.get('page_token')).toBe('two')
    expect(screen.getByRole('button', { name: 'Next' })).toBeDisabled()
    await userEvent.click(screen.getByRole('button', { name: 'Previous' }))
    expect(await screen.findByText('1–2 of 3')).toBeInTheDocument()
  })

  it('searches once typing has stopped, from the first page on, and keeps it in the address', async () => {
    const { router } = open('/admin/users?role=analyst')
    await userEvent.click(await screen.findByRole('button', { name: 'Next' }))
    await userEvent.type(screen.getByRole('searchbox'), 'hop')
    await waitFor(() => expect(router.state.location.search).toBe('?search=hop&role=analyst'))
    await waitFor(() => expect(asked.at(-1)?.searchParams.get('search')).toBe('hop'))
    expect(asked.at(-1)?.searchParams.get('role')).toBe('analyst')
    expect(asked.at(-1)?.searchParams.has('page_token')).toBe(false)
  })

  it('invites somebody, and says at the field what the server refuses', async () => {
    server.use(refuses(USERS, 400, 'INVALID_REGION', 'x', { errors: [{ field: 'regions', detail: 'There is no such region.' }] }))
    open()
    await userEvent.click(screen.getByRole('button', { name: 'Invite a user' }))
    const dialog = within(screen.getByRole('dialog', { name: 'Invite a user' }))
    const send = dialog.getByRole('button', { name: 'Send the invitation' })
    expect(send).toBeDisabled()
    await fill(dialog.getByLabelText(/E-mail/), 'new@example.com')
    await fill(dialog.getByLabelText(/Full name/), 'New Person')
    await userEvent.type(dialog.getByLabelText(/Regions/), 'Nowhere{Enter}')
    await userEvent.click(send)
    expect(await dialog.findByText('There is no such region.')).toBeInTheDocument()
    server.use(
      http.post(USERS, async ({ request }) => {
        sent.push({ method: 'POST', path: '', body: await request.json() })
        return HttpResponse.json({ user: GRACE })
      }),
    )
    await userEvent.click(dialog.getByRole('checkbox', { name: /Analyst/ }))
    await userEvent.click(send)
    expect(await screen.findByText('An invitation is on its way to new@example.com.')).toBeInTheDocument()
    expect(sent.at(-1)?.body).toEqual({ email: 'new@example.com', full_name: 'New Person', roles: ['viewer', 'analyst'], regions: ['Nowhere'] })
  })

  it('binds to a region that was typed without Enter: none would mean every region', async () => {
    server.use(
      http.post(USERS, async ({ request }) => {
        sent.push({ method: 'POST', path: '', body: await request.json() })
        return HttpResponse.json({ user: GRACE })
      }),
    )
    open()
    await userEvent.click(screen.getByRole('button', { name: 'Invite a user' }))
    const dialog = within(screen.getByRole('dialog', { name: 'Invite a user' }))
    await fill(dialog.getByLabelText(/E-mail/), 'new@example.com')
    await fill(dialog.getByLabelText(/Full name/), 'New Person')
    await userEvent.type(dialog.getByLabelText(/Regions/), 'Kent')
    await userEvent.click(dialog.getByRole('button', { name: 'Send the invitation' }))
    expect(await screen.findByText('An invitation is on its way to new@example.com.')).toBeInTheDocument()
    expect(sent.at(-1)?.body).toMatchObject({ regions: ['Kent'] })
  })

  it('changes roles, and binds to no region when none is left', async () => {
    open()
    await menuOf(GRACE.email)
    await choose('Change …')
    const dialog = within(screen.getByRole('dialog', { name: 'Change Grace Hopper' }))
    await userEvent.click(dialog.getByRole('checkbox', { name: /Analyst/ }))
    expect(dialog.getByRole('button', { name: 'Save' })).toBeDisabled()
    await userEvent.click(dialog.getByRole('checkbox', { name: /Viewer/ }))
    await userEvent.type(dialog.getByLabelText(/Regions/), '{Backspace}')
    await userEvent.click(dialog.getByRole('button', { name: 'Save' }))
    await waitFor(() => expect(sent).toHaveLength(1))
    expect(sent[0]).toMatchObject({ method: 'PATCH', body: { full_name: 'Grace Hopper', roles: ['viewer'], all_regions: true } })
  })

  it('ends sessions once that is confirmed', async () => {
    open()
    await menuOf(GRACE.email)
    await choose('End sessions')
    expect(sent).toEqual([])
    await userEvent.click(screen.getByRole('button', { name: 'End sessions' }))
    expect(await screen.findByText('2 sessions of Grace Hopper ended.')).toBeInTheDocument()
    expect(sent[0]).toMatchObject({ method: 'DELETE', path: '/api/v1/auth/users/u2/sessions' })
  })

  it('turns off the second factor of those who have one, once that is confirmed', async () => {
    server.use(http.get(USERS, () => HttpResponse.json({ items: [{ ...GRACE, second_factor: true }], next_page_token: '', total_size: 1 })))
    open()
    await menuOf(GRACE.email)
    await choose('Reset two-factor login')
    expect(sent).toEqual([])
    await userEvent.click(screen.getByRole('button', { name: 'Turn it off' }))
    expect(await screen.findByText('Two-factor login of Grace Hopper is off.')).toBeInTheDocument()
    expect(sent[0]).toMatchObject({ method: 'DELETE', path: '/api/v1/auth/users/u2/mfa' })
  })

  it('offers no reset of a second factor that is not there', async () => {
    open()
    await menuOf(GRACE.email)
    expect(screen.queryByRole('menuitem', { name: 'Reset two-factor login' })).toBeNull()
  })

  it('deletes only once the address was typed', async () => {
    open()
    await menuOf(GRACE.email)
    await choose('Delete')
    const erase = screen.getByRole('button', { name: 'Delete for good' })
    expect(erase).toBeDisabled()
    await fill(screen.getByLabelText('E-mail of the account'), GRACE.email)
    await userEvent.click(erase)
    expect(await screen.findByText('The account of Grace Hopper was deleted.')).toBeInTheDocument()
    expect(sent[0]).toMatchObject({ method: 'DELETE', path: '/api/v1/auth/users/u2' })
  })

  it('offers nothing that shuts out oneself', async () => {
    open()
    await menuOf(ADA.email)
    expect(screen.getAllByRole('menuitem').map((item) => item.textContent)).toEqual(['Change …'])
  })

  it('says why it may not be seen', async () => {
    server.use(refuses(USERS, 403, 'PERMISSION_MISSING', 'this needs the permission auth:read'))
    ADA.permissions = []
    open()
    expect(await screen.findByRole('alert')).toHaveTextContent('auth:read')
    expect(screen.queryByRole('button', { name: 'Invite a user' })).not.toBeInTheDocument()
  })
})
