import { useMutation } from '@tanstack/react-query'
import { useNavigate } from 'react-router'
import type { components } from '@/api/schema'
import { answer } from '@/lib/api'
import { usePlatform } from '@/lib/context'

type Credentials = components['schemas']['auth.v1.LoginRequest']

/** Where a second factor is turned on: until then a role that needs one allows nothing. */
const ENROL = '/account/security'

/** Logs in; the refresh token stays in a cookie that scripts cannot read. */
export function useLogIn() {
  const { api, session } = usePlatform()
  const navigate = useNavigate()
  return useMutation({
    mutationFn: (credentials: Credentials) =>
      answer(api.POST('/api/v1/auth/login', { body: credentials, headers: { 'X-Session': 'cookie' } })),
    onSuccess: (tokens) => {
      if (tokens.mfa_required) return
      // Those who are logged in go on from the log-in page to where `next` says.
      if (tokens.mfa_enrollment_required) void navigate(`/login?next=${ENROL}`, { replace: true, state: null })
      session.begin(tokens)
    },
  })
}

/** Finishes a log-in that asked for a code. */
export function useFinishLogIn() {
  const { api, session } = usePlatform()
  return useMutation({
    mutationFn: (body: components['schemas']['auth.v1.FinishLoginRequest']) =>
      answer(api.POST('/api/v1/auth/login/mfa', { body, headers: { 'X-Session': 'cookie' } })),
    onSuccess: (tokens) => session.begin(tokens),
  })
}
