import { createContext, type ReactNode, use, useSyncExternalStore } from 'react'
import type { Api } from '@/lib/api'
import type { MailLink } from '@/lib/mail-link'
import type { Session, SessionState } from '@/lib/session'

interface Platform {
  session: Session
  api: Api
  mailLink: MailLink
}

const PlatformContext = createContext<Platform | undefined>(undefined)

export function PlatformProvider({ session, api, mailLink, children }: Platform & { children: ReactNode }) {
  return <PlatformContext value={{ session, api, mailLink }}>{children}</PlatformContext>
}

/** The session, the API client and the link that this app was opened by. */
export function usePlatform(): Platform {
  const platform = use(PlatformContext)
  if (!platform) throw new Error('usePlatform needs a PlatformProvider above it')
  return platform
}

/** Who is logged in, re-rendering when that changes. */
export function useSessionState(): SessionState {
  const { session } = usePlatform()
  return useSyncExternalStore(session.subscribe, session.snapshot)
}

/** Whether the person who is logged in holds a permission; the server decides all the same. */
export function useMay(permission: string): boolean {
  const state = useSessionState()
  return state.status === 'authenticated' && state.user.permissions.includes(permission)
}

/** The token of the mail's link that led here; undefined without one, and once it was used. */
export function useMailToken(): string | undefined {
  const { mailLink } = usePlatform()
  return useSyncExternalStore(mailLink.subscribe, mailLink.snapshot)
}
