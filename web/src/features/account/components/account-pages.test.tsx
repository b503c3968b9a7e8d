import { screen, within } from '@testing-library/react'
import userEvent from '@testing-library/user-event'
import { http, HttpResponse } from 'msw'
import { beforeEach, describe, expect, it } from 'vitest'
import { ProfilePage } from '@/features/account/components/profile-page'
import { SecurityPage } from '@/features/account/components/security-page'
import { SessionsPage } from '@/features/account/components/sessions-page'
import { renderPage } from '@/testing/render'
import { ADA, answers, refuses, server } from '@/testing/server'

const ME = '*/api/v1/auth/me'
const PASSWORD = '*/api/v1/auth/change-password'
const SESSIONS = '*/api/v1/auth/sessions'
const CONSENTS = '*/api/v1/auth/consents'
const GOOD = 'violet-harbour-93'
const at = '2026-11-21T12:00:00Z'
const session = (id: string, more: object = {}) => ({
  id,
  user_agent: 'Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0',
  address: `192.0.2.${id.length}`,
  created_at: at,
  last_used_at: at,
  expires_at: at,
  current: false,
  ...more,
})
const field = (label: RegExp) => screen.getByLabelText(label, { selector: 'input' })

describe('the profile page', () => {
  it('changes the name everywhere', async () => {
    server.use(answers(ME, { user: { ...ADA, full_name: 'Ada King', created_at: at } }))
    const { session: held } = renderPage(<ProfilePage />, { loggedIn: true })
    expect(screen.getByRole('button', { name: 'Save the name' })).toBeDisabled()
    await userEvent.clear(field(/Full name/))
    await userEvent.type(field(/Full name/), 'Ada King')
    await userEvent.click(screen.getByRole('button', { name: 'Save the name' }))
    await expect.poll(() => held.snapshot()).toMatchObject({ user: { full_name: 'Ada King' } })
    expect(screen.getByRole('button', { name: 'Save the name' })).toBeDisabled()
  })

  it('asks for another address with the password, and says where the link went', async () => {
    const asked: unknown[] = []
    server.use(
      http.patch(ME, async ({ request }) => {
        asked.push(await request.json())
        return HttpResponse.json({ user: { ...ADA, created_at: at }, pending_email: 'king@example.com' })
      }),
    )
    renderPage(<ProfilePage />, { loggedIn: true })
    await userEvent.click(screen.getByRole('button', { name: 'Change the address' }))
    await userEvent.type(field(/New e-mail/), 'king@example.com')
    await userEvent.type(field(/Present password/), 'secret words')
    await userEvent.click(screen.getByRole('button', { name: 'Send the link' }))
    expect(await screen.findByRole('alert')).toHaveTextContent('A link is on its way to king@example.com.')
    expect(screen.getByText(ADA.email)).toBeVisible()
    expect(asked).toEqual([{ email: 'king@example.com', current_password: 'secret words' }])
  })
})

describe('the change of the password', () => {
  const type = async (chosen: string) => {
    await userEvent.type(field(/Present password/), 'the old one')
    await userEvent.type(field(/New password/), chosen)
  }
  const change = async (chosen: string) => {
    await type(chosen)
    await userEvent.click(screen.getByRole('button', { name: 'Change the password' }))
  }

  it('waits for the rules, the one about the own name among them', async () => {
    renderPage(<SecurityPage />, { loggedIn: true })
    await type('lovelace-and-more')
    expect(screen.getByRole('button', { name: 'Change the password' })).toBeDisabled()
  })

  it('puts what the server refuses at its field', async () => {
    const errors = [{ field: 'new_password', detail: 'The password is known from a breach.' }]
    server.use(refuses(PASSWORD, 400, 'WEAK_PASSWORD', 'the password is known from a breach', { errors }))
    renderPage(<SecurityPage />, { loggedIn: true })
    await change(GOOD)
    expect(await screen.findByText('The password is known from a breach.')).toBeVisible()
    expect(field(/New password/)).toBeInvalid()
    expect(field(/Present password/)).toBeValid()
    expect(screen.queryByRole('alert')).toBeNull()
  })

  it('tells what ended with the old one, and keeps neither', async () => {
    server.use(answers(PASSWORD, { sessions_ended: 2 }))
    renderPage(<SecurityPage />, { loggedIn: true })
    await change(GOOD)
    expect(await screen.findByRole('alert')).toHaveTextContent('2 other sessions ended.')
    expect([field(/Present password/), field(/New password/)].map((input) => (input as HTMLInputElement).value)).toEqual(['', ''])
  })
})

describe('the programs that one agreed to', () => {
  it('are listed with what they may, and withdrawn once that is confirmed', async () => {
    const withdrawn: string[] = []
    const program = { client_id: 'client-1', client_name: 'Sales sheet', scopes: ['demand:read'], allows: ['Read demand insights'], granted_at: at }
    server.use(
      answers(SESSIONS, { items: [session('here', { current: true })], total_size: 1 }),
      http.get(CONSENTS, () => {
        const items = withdrawn.length ? [] : [program]
        return HttpResponse.json({ items, total_size: items.length })
      }),
      http.delete(`${CONSENTS}/:id`, ({ params }) => {
        withdrawn.push(String(params.id))
        return HttpResponse.json({ sessions_ended: 1 })
      }),
    )
    renderPage(<SessionsPage />, { loggedIn: true })
    expect(await screen.findByText('Read demand insights')).toBeVisible()
    await userEvent.click(screen.getByRole('button', { name: 'Withdraw the agreement to Sales sheet' }))
    expect(withdrawn).toEqual([])
    await userEvent.click(screen.getByRole('button', { name: 'Withdraw' }))
    expect(await screen.findByText('You have agreed to no program for more than once.')).toBeVisible()
    expect(withdrawn).toEqual(['client-1'])
  })
})

describe('the sessions page', () => {
  beforeEach(() => server.use(answers(CONSENTS, { items: [], total_size: 0 })))
  const list = () => screen.findAllByRole('listitem')

  it('shows this session first and asks before it ends another', async () => {
    const ended: string[] = []
    server.use(
      http.get(SESSIONS, () => {
        const items = [session('ab'), session('here', { current: true }), session('abc'), session('abcd')].filter(({ id }) => !ended.includes(id))
        return HttpResponse.json({ items, total_size: items.length })
      }),
      http.delete(`${SESSIONS}/:id`, ({ params }) => {
        ended.push(String(params.id))
        return HttpResponse.json({ sessions_ended: 1 })
      }),
    )
    renderPage(<SessionsPage />, { loggedIn: true })
    const [first, second] = await list()
    expect(first).toHaveTextContent('Firefox on LinuxThis session')
    await userEvent.click(within(second as HTMLElement).getByRole('button', { name: /End the session of Firefox on Linux/ }))
    expect(ended).toEqual([])
    await userEvent.click(screen.getByRole('button', { name: 'End it' }))
    await expect.poll(async () => (await list()).length).toBe(3)
    expect(ended).toEqual(['ab'])
    await userEvent.click(await screen.findByRole('button', { name: 'End all others' }))
    await userEvent.click(screen.getByRole('button', { name: 'End them' }))
    await expect.poll(async () => (await list()).length).toBe(1)
    expect(ended).toEqual(['ab', 'abc', 'abcd'])
    expect(screen.queryByRole('button', { name: 'End all others' })).toBeNull()
  })

  it('says why a session could not be ended', async () => {
    server.use(
      answers(SESSIONS, { items: [session('here', { current: true }), session('ab')], total_size: 2 }),
      refuses(`${SESSIONS}/:id`, 404, 'SESSION_NOT_FOUND', 'you have no such session'),
    )
    renderPage(<SessionsPage />, { loggedIn: true })
    await userEvent.click(await screen.findByRole('button', { name: /End the session/ }))
    await userEvent.click(screen.getByRole('button', { name: 'End it' }))
    expect(await within(screen.getByRole('alertdialog')).findByRole('alert')).toHaveTextContent('You have no such session.')
  })

  it('says why there is no list, and asks again', async () => {
    server.use(refuses(SESSIONS, 503, 'UNAVAILABLE', 'auth does not answer'))
    renderPage(<SessionsPage />, { loggedIn: true })
    expect(await screen.findByRole('alert')).toHaveTextContent('does not answer')
    server.use(answers(SESSIONS, { items: [session('here', { current: true })], total_size: 1 }))
    await userEvent.click(screen.getByRole('button', { name: 'Try again' }))
    expect(await list()).toHaveLength(1)
  })
})
