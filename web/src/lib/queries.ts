import { QueryClient } from '@tanstack/react-query'
import { problemFromError } from '@/lib/problem'

const RETRIES = 2

/** A query client that tries again only what may succeed again. */
export function createQueryClient(): QueryClient {
  return new QueryClient({
    defaultOptions: {
      queries: {
        staleTime: 60_000,
        refetchOnWindowFocus: false,
        retry: (failures, error) => failures < RETRIES && problemFromError(error).isTransient,
        retryDelay: (attempt) => 400 * 2 ** attempt,
      },
    },
  })
}
