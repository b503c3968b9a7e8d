import { useQuery } from '@tanstack/react-query'
import type { paths } from '@/api/schema'
import { answer } from '@/lib/api'
import { usePlatform } from '@/lib/context'

type Dashboard = paths['/api/v1/dashboards/{name}']['get']['responses']['200']['content']['application/json']
export type Tile = Dashboard['systems'][number]['tiles'][number]

/** The figures of the executive dashboard, of the systems that the person may read. */
export function useFigures() {
  const { api } = usePlatform()
  return useQuery({
    queryKey: ['dashboard', 'executive'],
    queryFn: ({ signal }) => answer(api.GET('/api/v1/dashboards/{name}', { params: { path: { name: 'executive' } }, signal })),
  })
}
