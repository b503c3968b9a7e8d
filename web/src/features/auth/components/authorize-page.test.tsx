import { screen } from '@testing-library/react'
import userEvent from '@testing-library/user-event'
import { http, HttpResponse } from 'msw'
import { describe, expect, it, vi } from 'vitest'
import { AuthorizePage } from '@/features/auth/components/authorize-page'
import { renderPage } from '@/testing/render'
import { refuses, server } from '@/testing/server'

const ASKED = { client_id: 'chart', redirect_uri: 'https://chart.example.com/cb', state: 'a b+c', code_challenge: 'x' }
const AT = `/authorize?${new URLSearchParams({ ...ASKED, unknown: 'left alone', scope: '' })}`
const PROMPT = { client_name: 'Chart maker', client_host: 'chart.example.com', scopes: ['openid'], allows: ['Know who you are'] }

describe('the page where people agree to a client', () => {
  it.each([
    ['Allow', true],
    ['Refuse', false],
  ])('%s goes where the server says', async (button, approve) => {
    const bodies: unknown[] = []
    server.use(
      http.post('*/api/v1/auth/consent', async ({ request }) => {
        const body = (await request.json()) as { approve?: boolean }
        bodies.push(body)
        const to = body.approve === undefined ? {} : { redirect_to: 'https://chart.example.com/cb?code=c' }
        return HttpResponse.json({ ...PROMPT, ...to })
      }),
    )
    const leave = vi.fn()
    renderPage(<AuthorizePage leave={leave} />, { at: AT, loggedIn: true })
    expect(await screen.findByRole('heading', { name: 'Let Chart maker act for you?' })).toBeVisible()
    expect(screen.getByText(/chart\.example\.com/)).toBeVisible()
    expect(screen.getByRole('list', { name: 'What it could do' })).toHaveTextContent('Know who you are')
    expect(leave).not.toHaveBeenCalled()
    await userEvent.click(screen.getByRole('button', { name: button }))
    await expect.poll(() => leave.mock.calls).toEqual([['https://chart.example.com/cb?code=c']])
    expect(bodies).toEqual([{ request: ASKED }, { request: ASKED, approve }])
  })

  it('remembers only when asked to', async () => {
    const bodies: unknown[] = []
    server.use(
      http.post('*/api/v1/auth/consent', async ({ request }) => {
        bodies.push(await request.json())
        return HttpResponse.json({ ...PROMPT, can_remember: true, redirect_to: 'https://chart.example.com/cb?code=c' })
      }),
    )
    renderPage(<AuthorizePage leave={vi.fn()} />, { at: AT, loggedIn: true })
    await userEvent.click(await screen.findByRole('checkbox', { name: 'Do not ask again for this' }))
    await userEvent.click(screen.getByRole('button', { name: 'Allow' }))
    await expect.poll(() => bodies).toEqual([{ request: ASKED }, { request: ASKED, approve: true, remember: true }])
  })

  it('asks nobody again who has agreed to be remembered', async () => {
    const bodies: unknown[] = []
    server.use(
      http.post('*/api/v1/auth/consent', async ({ request }) => {
        const body = (await request.json()) as { approve?: boolean }
        bodies.push(body)
        const to = body.approve ? { redirect_to: 'https://chart.example.com/cb?code=c' } : {}
        return HttpResponse.json({ ...PROMPT, can_remember: true, remembered: true, ...to })
      }),
    )
    const leave = vi.fn()
    renderPage(<AuthorizePage leave={leave} />, { at: AT, loggedIn: true })
    await expect.poll(() => leave.mock.calls).toEqual([['https://chart.example.com/cb?code=c']])
    expect(bodies).toEqual([{ request: ASKED }, { request: ASKED, approve: true }])
    expect(screen.queryByRole('button', { name: 'Allow' })).toBeNull()
  })

  it('offers nothing where the request is wrong', async () => {
    server.use(refuses('*/api/v1/auth/consent', 400, 'INVALID_REQUEST', 'redirect_uri is not one that the client registered'))
    const leave = vi.fn()
    renderPage(<AuthorizePage leave={leave} />, { at: AT, loggedIn: true })
    expect(await screen.findByRole('alert')).toHaveTextContent('redirect_uri is not one')
    expect(screen.queryByRole('button', { name: 'Allow' })).toBeNull()
    expect(leave).not.toHaveBeenCalled()
  })
})
