import { useMutation, useQuery } from '@tanstack/react-query'
import type { components } from '@/api/schema'
import { answer } from '@/lib/api'
import { usePlatform } from '@/lib/context'

export type Authorization = components['schemas']['auth.v1.AuthorizeRequest']

export interface Decision {
  approve: boolean
  /** Whether the program need not ask again, as long as it wants no more. */
  remember?: boolean
}

const PARAMETERS = [
  'response_type',
  'client_id',
  'redirect_uri',
  'scope',
  'state',
  'code_challenge',
  'code_challenge_method',
  'nonce',
  'prompt',
  'response_mode',
] as const satisfies readonly (keyof Authorization)[]

/** What a client asks for, as it stands in the address; anything else there is left alone. */
export function authorizationIn(query: URLSearchParams): Authorization {
  const given = PARAMETERS.flatMap((name) => {
    const value = query.get(name)
    return value ? [[name, value] as const] : []
  })
  return Object.fromEntries(given)
}

/** Who asks, and for what; nothing is decided by it. */
export function useConsentPrompt(request: Authorization) {
  const { api } = usePlatform()
  return useQuery({
    queryKey: ['consent', request],
    queryFn: () => answer(api.POST('/api/v1/auth/consent', { body: { request } })),
  })
}

/** Decides, and answers where the browser goes on. */
export function useConsent(request: Authorization) {
  const { api } = usePlatform()
  return useMutation({
    mutationFn: ({ approve, remember }: Decision) =>
      answer(api.POST('/api/v1/auth/consent', { body: { request, approve, ...(remember && { remember }) } })),
  })
}
