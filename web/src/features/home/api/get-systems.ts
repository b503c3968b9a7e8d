import { useQuery } from '@tanstack/react-query'
import type { paths } from '@/api/schema'
import { answer } from '@/lib/api'
import { usePlatform } from '@/lib/context'

type Systems = paths['/api/v1/systems']['get']['responses']['200']['content']['application/json']

/** One of the platform's AI systems and whether its service runs. */
export type System = Systems['items'][number]

/** The systems, asked again every half minute while somebody looks. */
export function useSystems() {
  const { api } = usePlatform()
  return useQuery({
    queryKey: ['systems'],
    refetchInterval: 30_000,
    queryFn: ({ signal }) => answer(api.GET('/api/v1/systems', { signal })),
    select: (systems) => systems.items,
  })
}
