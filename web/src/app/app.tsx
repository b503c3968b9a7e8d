import createCache from '@emotion/cache'
import { CacheProvider } from '@emotion/react'
import CssBaseline from '@mui/material/CssBaseline'
import { ThemeProvider } from '@mui/material/styles'
import { type QueryClient, QueryClientProvider } from '@tanstack/react-query'
import { useEffect, useState } from 'react'
import { RouterProvider } from 'react-router/dom'
import { createRouter } from '@/app/router'
import type { Api } from '@/lib/api'
import { PlatformProvider } from '@/lib/context'
import type { MailLink } from '@/lib/mail-link'
import { createQueryClient } from '@/lib/queries'
import type { Session } from '@/lib/session'
import { theme, THEME_STORAGE_KEY } from '@/lib/theme'
import { RealtimeProvider } from '@/lib/use-realtime'

interface AppProps {
  session: Session
  api: Api
  mailLink: MailLink
  nonce?: string | undefined
}

/** The whole app over one session. Styles carry the nonce that the page's CSP asks for. */
export function App({ session, api, mailLink, nonce }: AppProps) {
  const [styles] = useState(() => createCache({ key: 'si', prepend: true, ...(nonce ? { nonce } : {}) }))
  const [queries] = useState(createQueryClient)
  const [router] = useState(createRouter)
  useForgottenAnswers(session, queries)
  return (
    <CacheProvider value={styles}>
      <ThemeProvider theme={theme} defaultMode="system" modeStorageKey={THEME_STORAGE_KEY}>
        <CssBaseline enableColorScheme />
        <QueryClientProvider client={queries}>
          <PlatformProvider session={session} api={api} mailLink={mailLink}>
            <RealtimeProvider>
              <RouterProvider router={router} />
            </RealtimeProvider>
          </PlatformProvider>
        </QueryClientProvider>
      </ThemeProvider>
    </CacheProvider>
  )
}

/** Drops every answer kept in memory when the person they were given to is gone. */
function useForgottenAnswers(session: Session, queries: QueryClient) {
  useEffect(() => {
    let owner: string | undefined
    return session.subscribe(() => {
      const state = session.snapshot()
      if (state.status === 'resuming' || state.status === 'unavailable') return
      const user = state.status === 'authenticated' ? state.user.id : undefined
      if (owner !== undefined && owner !== user) queries.clear()
      owner = user
    })
  }, [session, queries])
}
