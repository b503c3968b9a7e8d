import { createContext, type ReactNode, use, useSyncExternalStore } from 'react'
import type { Api } from '@/lib/api'
import type { Session, SessionState } from '@/lib/session'

interface Platform {
  session: Session
  api: Api
}

const PlatformContext = createContext<Platform | undefined>(undefined)

export function PlatformProvider({ session, api, children }: Platform & { children: ReactNode }) {
  return <PlatformContext value={{ session, api }}>{children}</PlatformContext>
}

/** The session and the API client of this app. */
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
