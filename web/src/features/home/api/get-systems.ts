import { useQuery } from '@tanstack/react-query'
import { usePlatform } from '@/lib/context'
import { problemOf } from '@/lib/problem'

/** One of the platform's AI systems and whether its service runs. */
export interface System {
  name: string
  title: string
  prefix: string
  zone: string
  description: string
  status: 'up' | 'down' | 'not_running'
}

/** The systems, asked again every half minute while somebody looks. */
export function useSystems() {
  const { session } = usePlatform()
  return useQuery({
    queryKey: ['systems'],
    refetchInterval: 30_000,
    queryFn: async ({ signal }): Promise<System[]> => {
      const request = new Request(new URL('/api/v1/systems', window.location.origin), { signal })
      const response = await session.authorizedFetch(request)
      if (!response.ok) throw await problemOf(response)
      return (await response.json()).items
    },
  })
}
