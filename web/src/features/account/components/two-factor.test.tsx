import { screen, within } from '@testing-library/react'
import userEvent from '@testing-library/user-event'
import { http, HttpResponse } from 'msw'
import { describe, expect, it, vi } from 'vitest'
import { SecurityPage } from '@/features/account/components/security-page'
import { renderPage } from '@/testing/render'
import { ADA, answers, refuses, server } from '@/testing/server'

const MFA = '*/api/v1/auth/mfa'
const ENROLMENT = { secret: 'ABCDEFGH', otpauth_uri: 'otpauth://totp/x', qr_svg: '<svg xmlns="http://www.w3.org/2000/svg"><script/></svg>' }
const CODES = Array.from({ length: 10 }, (_, n) => `aaaa-000${n}`)
const refreshed = (mfa_enabled: boolean) =>
  answers('*/api/v1/auth/refresh', { access_token: 't2', expires_in: 900, user: { ...ADA, created_at: '', mfa_enabled } })

const dialog = () => within(screen.getByRole('dialog'))

async function enroll() {
  await userEvent.click(screen.getByRole('button', { name: 'Set up' }))
  await userEvent.type(dialog().getByLabelText(/Present password/, { selector: 'input' }), 'secret words')
  await userEvent.click(dialog().getByRole('button', { name: 'Go on' }))
}

describe('two-factor login', () => {
  it('is turned on by password and code, and shows the recovery codes until they are kept', async () => {
    const bodies: unknown[] = []
    server.use(
      http.post(`${MFA}/enroll`, async ({ request }) => {
        bodies.push(await request.json())
        return HttpResponse.json(ENROLMENT)
      }),
      http.post(`${MFA}/verify`, async ({ request }) => {
        bodies.push(await request.json())
        return HttpResponse.json({ recovery_codes: CODES })
      }),
      refreshed(true),
    )
    renderPage(<SecurityPage />, { loggedIn: true })
    await enroll()
    const picture = await dialog().findByRole('img', { name: /QR code/ })
    expect(picture).toHaveAttribute('src', `data:image/svg+xml,${encodeURIComponent(ENROLMENT.qr_svg)}`)
    expect(document.querySelector('script')).toBeNull()
    expect(dialog().getByRole('textbox', { name: 'Secret' })).toHaveTextContent('ABCD EFGH')
    await userEvent.type(dialog().getByLabelText(/Code that the app shows/), ' 123456')
    await userEvent.click(dialog().getByRole('button', { name: 'Turn on' }))
    const shown = await dialog().findByRole('list', { name: 'Recovery codes' })
    expect(within(shown).getAllByRole('listitem').map((one) => one.textContent)).toEqual(CODES)
    await userEvent.keyboard('{Escape}')
    expect(screen.getByRole('dialog')).toBeVisible()
    const print = vi.spyOn(window, 'print').mockImplementation(() => undefined)
    await userEvent.click(dialog().getByRole('button', { name: 'Print' }))
    expect(print).toHaveBeenCalledOnce()
    expect(dialog().getByRole('button', { name: 'Done' })).toBeDisabled()
    await userEvent.click(dialog().getByRole('checkbox'))
    await userEvent.click(dialog().getByRole('button', { name: 'Done' }))
    expect(await screen.findByRole('button', { name: 'Turn off' })).toBeVisible()
    expect(bodies).toEqual([{ password: 'secret words' }, { code: '123456' }])
  })

  it('says that a code is wrong, and lets one try again', async () => {
    server.use(answers(`${MFA}/enroll`, ENROLMENT), refuses(`${MFA}/verify`, 401, 'MFA_CODE_WRONG', 'the code is wrong'))
    renderPage(<SecurityPage />, { loggedIn: true })
    await enroll()
    await userEvent.type(await dialog().findByLabelText(/Code that the app shows/), '000000')
    await userEvent.click(dialog().getByRole('button', { name: 'Turn on' }))
    expect(await dialog().findByRole('alert')).toHaveTextContent('The code is wrong.')
    expect(dialog().getByRole('button', { name: 'Turn on' })).toBeEnabled()
  })

  it('goes no further with a wrong password', async () => {
    const errors = [{ field: 'current_password', detail: 'This is not your present password.' }]
    server.use(refuses(`${MFA}/enroll`, 400, 'WRONG_PASSWORD', 'the present password is wrong', { errors }))
    renderPage(<SecurityPage />, { loggedIn: true })
    await enroll()
    expect(await dialog().findByText('This is not your present password.')).toBeVisible()
    expect(dialog().queryByRole('img', { name: /QR code/ })).toBeNull()
  })

  it('is turned off by password and code', async () => {
    const bodies: unknown[] = []
    server.use(
      http.delete(MFA, async ({ request }) => {
        bodies.push(await request.json())
        return HttpResponse.json({})
      }),
      refreshed(false),
    )
    renderPage(<SecurityPage />, { loggedIn: true, user: { mfa_enabled: true } })
    await userEvent.click(screen.getByRole('button', { name: 'Turn off' }))
    await userEvent.type(dialog().getByLabelText(/Present password/, { selector: 'input' }), 'secret words')
    await userEvent.type(dialog().getByLabelText(/Code of the app/), 'aaaa-0001')
    await userEvent.click(dialog().getByRole('button', { name: 'Turn off' }))
    expect(await screen.findByRole('button', { name: 'Set up' })).toBeVisible()
    expect(bodies).toEqual([{ password: 'secret words', code: 'aaaa-0001' }])
  })
})
