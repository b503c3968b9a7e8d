import { ThemeProvider } from '@mui/material/styles'
import { QueryClientProvider } from '@tanstack/react-query'
import { render } from '@testing-library/react'
import type { ReactNode } from 'react'
import { createMemoryRouter, RouterProvider } from 'react-router'
import { createApi } from '@/lib/api'
import { PlatformProvider } from '@/lib/context'
import { type LinkHost, MailLink } from '@/lib/mail-link'
import { createQueryClient } from '@/lib/queries'
import { Session, type SessionHost, type User } from '@/lib/session'
import { theme } from '@/lib/theme'
import { ADA } from '@/testing/server'

/** A session over the test's network. */
export function createSession(host: Partial<SessionHost> = {}): Session {
  return new Session({ fetch: (request) => fetch(request), storage: localStorage, ...host })
}

/** A page at an address, under the providers of the app; retries are off so that a refusal shows at once. */
export function renderPage(page: ReactNode, { at = '/', loggedIn = false, user = {} as Partial<User> } = {}) {
  const session = createSession()
  if (loggedIn) session.begin({ access_token: 'token', expires_in: 900, user: { ...ADA, created_at: '', ...user } })
  const mailLink = new MailLink(openedAt(at))
  const queries = createQueryClient()
  queries.setDefaultOptions({ queries: { retry: false }, mutations: { retry: false } })
  const router = createMemoryRouter([{ path: '*', element: page }], { initialEntries: [at] })
  render(
    <ThemeProvider theme={theme}>
      <QueryClientProvider client={queries}>
        <PlatformProvider session={session} api={createApi(session)} mailLink={mailLink}>
          <RouterProvider router={router} />
        </PlatformProvider>
      </QueryClientProvider>
    </ThemeProvider>,
  )
  return { session, router }
}

/** A tab that was opened at an address. */
function openedAt(address: string): LinkHost {
  const { hash, pathname, search } = new URL(address, window.location.origin)
  return { location: { hash, pathname, search }, history: { state: null, replaceState: () => {} }, addEventListener: () => {} }
}
