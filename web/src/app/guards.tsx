import { Navigate, Outlet, useLocation, useSearchParams } from 'react-router'
import { Unavailable } from '@/app/unavailable'
import { FullPageSpinner } from '@/components/full-page-spinner'
import { useSessionState } from '@/lib/context'

/** Pages for people who are logged in; others log in first and come back. */
export function Member() {
  const state = useSessionState()
  const { pathname, search } = useLocation()
  if (state.status === 'resuming') return <FullPageSpinner />
  if (state.status === 'unavailable') return <Unavailable problem={state.problem} />
  // Another person's pages begin anew: what the one before typed, was shown once or heard by the bell is not theirs.
  if (state.status === 'authenticated') return <Outlet key={state.user.id} />
  const next = pathname + search
  return <Navigate to={next === '/' ? '/login' : `/login?next=${encodeURIComponent(next)}`} replace />
}

/** Pages for people who are not logged in yet; the others go where they were heading. */
export function Guest() {
  const state = useSessionState()
  const [parameters] = useSearchParams()
  if (state.status === 'resuming') return <FullPageSpinner />
  if (state.status === 'authenticated') return <Navigate to={withinApp(parameters.get('next'))} replace />
  return <Outlet />
}

/** A path of this app; anything that would lead elsewhere becomes the home page. */
export function withinApp(path: string | null): string {
  if (!path) return '/'
  const target = new URL(path, window.location.origin)
  const leaves = !path.startsWith('/') || target.origin !== window.location.origin
  return leaves ? '/' : target.pathname + target.search
}
