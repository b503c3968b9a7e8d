import { screen } from '@testing-library/react'
import userEvent from '@testing-library/user-event'
import { http, HttpResponse } from 'msw'
import { describe, expect, it } from 'vitest'
import { LoginPage } from '@/features/auth/components/login-page'
import { RegisterPage } from '@/features/auth/components/register-page'
import { renderPage } from '@/testing/render'
import { ADA, answers, refuses, server } from '@/testing/server'

const password = () => screen.getByLabelText(/^Password/, { selector: 'input' })

async function logIn() {
  await userEvent.type(screen.getByLabelText(/E-mail/), ADA.email)
  await userEvent.type(password(), 'correct horse battery')
  await userEvent.click(screen.getByRole('button', { name: 'Log in' }))
}

describe('the log-in page', () => {
  it('starts a session whose refresh token is a cookie', async () => {
    server.use(
      http.post('*/api/v1/auth/login', async ({ request }) => {
        expect(request.headers.get('X-Session')).toBe('cookie')
        expect(await request.json()).toEqual({ email: ADA.email, password: 'correct horse battery' })
        return HttpResponse.json({ access_token: 't', expires_in: 900, user: ADA })
      }),
    )
    const { session } = renderPage(<LoginPage />)
    await logIn()
    await expect.poll(() => session.snapshot()).toMatchObject({ status: 'authenticated' })
  })

  it('says that e-mail or password is wrong without saying which', async () => {
    server.use(refuses('*/api/v1/auth/login', 401, 'INVALID_CREDENTIALS', 'E-mail or password is wrong.'))
    renderPage(<LoginPage />)
    await logIn()
    expect(await screen.findByRole('alert')).toHaveTextContent('E-mail or password is wrong.')
    expect(screen.getByLabelText(/E-mail/)).toBeValid()
  })

  it('asks for a code where two-factor log-in is on', async () => {
    server.use(
      answers('*/api/v1/auth/login', { access_token: '', mfa_required: true, mfa_challenge: 'challenge-1' }),
      http.post('*/api/v1/auth/login/mfa', async ({ request }) => {
        expect(request.headers.get('X-Session')).toBe('cookie')
        const { mfa_challenge, code } = (await request.json()) as Record<string, string>
        expect(mfa_challenge).toBe('challenge-1')
        if (code !== '123456') return HttpResponse.json({ status: 401, detail: 'The code is wrong.' }, { status: 401 })
        return HttpResponse.json({ access_token: 't', expires_in: 900, user: ADA })
      }),
    )
    const { session } = renderPage(<LoginPage />)
    await logIn()
    await userEvent.type(await screen.findByLabelText(/Code/), '000000')
    await userEvent.click(screen.getByRole('button', { name: 'Log in' }))
    expect(await screen.findByRole('alert')).toHaveTextContent('The code is wrong.')
    expect(session.snapshot()).not.toMatchObject({ status: 'authenticated' })
    await userEvent.clear(screen.getByLabelText(/Code/))
    await userEvent.type(screen.getByLabelText(/Code/), '123456')
    await userEvent.click(screen.getByRole('button', { name: 'Log in' }))
    await expect.poll(() => session.snapshot()).toMatchObject({ status: 'authenticated' })
  })

  it('shows the trace id where the fault is ours', async () => {
    server.use(refuses('*/api/v1/auth/login', 500, 'INTERNAL', 'Something failed.', { trace_id: 'trace-7' }))
    renderPage(<LoginPage />)
    await logIn()
    expect(await screen.findByRole('alert')).toHaveTextContent('trace-7')
  })
})

describe('the registration page', () => {
  const fill = async (secret: string) => {
    await userEvent.type(screen.getByLabelText(/Full name/), ADA.full_name)
    await userEvent.type(screen.getByLabelText(/E-mail/), ADA.email)
    await userEvent.type(password(), secret)
  }
  const submit = () => screen.getByRole('button', { name: 'Create account' })
  const rule = (text: RegExp) => screen.getByText(text).closest('li')

  it('ticks the password rules as they are met, and waits for all of them', async () => {
    renderPage(<RegisterPage />)
    await fill('lovelace')
    expect(rule(/At least 12 characters/)).toHaveTextContent('Not met yet')
    expect(rule(/your name or e-mail/)).toHaveTextContent('Not met yet')
    expect(submit()).toBeDisabled()
    await userEvent.clear(password())
    await userEvent.type(password(), 'analytical engine')
    expect(rule(/At least 12 characters/)).toHaveTextContent('Met')
    expect(rule(/your name or e-mail/)).toHaveTextContent('Met')
    expect(submit()).toBeEnabled()
  })

  it('puts what the server refuses at the field that it is about', async () => {
    const errors = [{ field: 'password', detail: 'The password is one of the most common passwords.' }]
    server.use(refuses('*/api/v1/auth/register', 400, 'WEAK_PASSWORD', 'the password is common', { errors }))
    renderPage(<RegisterPage />)
    await fill('correct horse battery')
    await userEvent.click(submit())
    expect(await screen.findByText(/most common passwords/)).toBeVisible()
    expect(password()).toBeInvalid()
    expect(screen.queryByRole('alert')).not.toBeInTheDocument()
  })

  it('goes on to the log-in page once the account is made', async () => {
    server.use(http.post('*/api/v1/auth/register', () => HttpResponse.json({ user: ADA })))
    const { router } = renderPage(<RegisterPage />, { at: '/register?next=%2Fdemand%2Fsegments' })
    await fill('correct horse battery')
    await userEvent.click(submit())
    await expect.poll(() => router.state.location.pathname).toBe('/login')
    expect(router.state.location).toMatchObject({ search: '?next=%2Fdemand%2Fsegments', state: { registered: ADA.email } })
  })
})
