import { screen } from '@testing-library/react'
import userEvent from '@testing-library/user-event'
import { http, HttpResponse } from 'msw'
import { describe, expect, it } from 'vitest'
import { ForgotPasswordPage } from '@/features/auth/components/forgot-password-page'
import { ResendVerificationPage } from '@/features/auth/components/resend-verification-page'
import { ResetPasswordPage } from '@/features/auth/components/reset-password-page'
import { VerifyEmailPage } from '@/features/auth/components/verify-email-page'
import { renderPage } from '@/testing/render'
import { answers, refuses, server } from '@/testing/server'

const VERIFY = '*/api/v1/auth/verify-email'
const RESET = '*/api/v1/auth/reset-password'
const GOOD = 'violet-harbour-93'

describe('the page for a forgotten password', () => {
  it('says the same whoever asks', async () => {
    const asked: unknown[] = []
    server.use(
      http.post('*/api/v1/auth/forgot-password', async ({ request }) => {
        asked.push(await request.json())
        return HttpResponse.json({})
      }),
    )
    renderPage(<ForgotPasswordPage />)
    await userEvent.type(screen.getByLabelText(/E-mail/), ' ada@example.com')
    await userEvent.click(screen.getByRole('button', { name: 'Send the link' }))
    expect(await screen.findByRole('alert')).toHaveTextContent('If there is an account for ada@example.com')
    expect(asked).toEqual([{ email: 'ada@example.com' }])
  })
})

describe('the page for another link to confirm an address', () => {
  it('says the same whoever asks', async () => {
    const asked: unknown[] = []
    server.use(
      http.post('*/api/v1/auth/resend-verification', async ({ request }) => {
        asked.push(await request.json())
        return HttpResponse.json({})
      }),
    )
    renderPage(<ResendVerificationPage />)
    await userEvent.type(screen.getByLabelText(/E-mail/), 'ada@example.com')
    await userEvent.click(screen.getByRole('button', { name: 'Send the link' }))
    expect(await screen.findByRole('alert')).toHaveTextContent('If there is an account for ada@example.com that waits for this')
    expect(asked).toEqual([{ email: 'ada@example.com' }])
  })
})

describe('the page behind a link to confirm an address', () => {
  it('does nothing by itself: a program that looks through mails confirms no address', async () => {
    const posted: unknown[] = []
    server.use(
      http.post(VERIFY, async ({ request }) => {
        posted.push(await request.json())
        return HttpResponse.json({ email: 'ada@example.com' })
      }),
    )
    renderPage(<VerifyEmailPage />, { at: '/verify-email#token=tok-1' })
    const button = await screen.findByRole('button', { name: 'Confirm the address' })
    expect(posted).toEqual([])
    await userEvent.click(button)
    expect(await screen.findByRole('heading', { name: 'Your e-mail address is confirmed' })).toBeVisible()
    expect(posted).toEqual([{ token: 'tok-1' }])
  })

  it('says why a link does not hold', async () => {
    server.use(refuses(VERIFY, 400, 'LINK_INVALID', 'this link was used already'))
    renderPage(<VerifyEmailPage />, { at: '/verify-email#token=old' })
    await userEvent.click(await screen.findByRole('button', { name: 'Confirm the address' }))
    expect(await screen.findByRole('status')).toHaveTextContent('This link was used already.')
  })

  it('can be tried again where the server was not there', async () => {
    server.use(refuses(VERIFY, 503, 'UNAVAILABLE', 'auth does not answer'))
    renderPage(<VerifyEmailPage />, { at: '/verify-email#token=tok' })
    await userEvent.click(await screen.findByRole('button', { name: 'Confirm the address' }))
    expect(await screen.findByRole('alert')).toHaveTextContent('does not answer')
    expect(screen.getByRole('button', { name: 'Confirm the address' })).toBeEnabled()
  })

  it('offers nothing without a token', () => {
    renderPage(<VerifyEmailPage />, { at: '/verify-email' })
    expect(screen.getByRole('heading', { name: 'This link does not work' })).toBeVisible()
    expect(screen.queryByRole('button', { name: 'Confirm the address' })).toBeNull()
  })
})

describe('the page behind a link to choose a password', () => {
  const type = async (password: string) => {
    await userEvent.type(screen.getByLabelText(/New password/, { selector: 'input' }), password)
    return screen.getByRole('button', { name: 'Set the password' })
  }

  it('waits for the rules, then posts the token of the link', async () => {
    const posted: unknown[] = []
    server.use(
      http.post(RESET, async ({ request }) => {
        posted.push(await request.json())
        return HttpResponse.json({ sessions_ended: 2 })
      }),
    )
    renderPage(<ResetPasswordPage />, { at: '/reset-password#token=tok-2' })
    expect(await type('short')).toBeDisabled()
    await userEvent.clear(screen.getByLabelText(/New password/, { selector: 'input' }))
    await userEvent.click(await type(GOOD))
    expect(await screen.findByRole('heading', { name: 'Your password is set' })).toBeVisible()
    expect(screen.getByRole('link', { name: 'Log in' })).toHaveAttribute('href', '/login')
    expect(posted).toEqual([{ token: 'tok-2', new_password: GOOD }])
  })

  it('shows at the field what the server finds weak', async () => {
    const errors = [{ field: 'new_password', detail: 'The password must not hold the name.' }]
    server.use(refuses(RESET, 400, 'WEAK_PASSWORD', 'the password must not hold the name', { errors }))
    renderPage(<ResetPasswordPage />, { at: '/reset-password#token=tok' })
    await userEvent.click(await type(GOOD))
    expect(await screen.findByText('The password must not hold the name.')).toBeVisible()
    expect(screen.getByLabelText(/New password/, { selector: 'input' })).toBeInvalid()
  })

  it('leads to a new link where this one is over', async () => {
    server.use(refuses(RESET, 400, 'LINK_INVALID', 'this link is too old'))
    renderPage(<ResetPasswordPage />, { at: '/reset-password#token=tok' })
    await userEvent.click(await type(GOOD))
    expect(await screen.findByRole('link', { name: 'Ask for a new link' })).toHaveAttribute('href', '/forgot-password')
  })

  it('ends the session that this browser had', async () => {
    server.use(answers(RESET, { sessions_ended: 1 }), refuses('*/api/v1/auth/refresh', 401, 'INVALID_REFRESH_TOKEN', 'over'))
    const { session } = renderPage(<ResetPasswordPage />, { at: '/reset-password#token=tok', loggedIn: true })
    await userEvent.click(await type(GOOD))
    await expect.poll(() => session.snapshot()).toEqual({ status: 'anonymous' })
  })
})
