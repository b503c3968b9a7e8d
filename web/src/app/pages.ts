import { BellIcon, BookIcon, ChartIcon, HomeIcon, ListIcon, PipelineIcon, PlugIcon, SegmentsIcon, TaskIcon, UsersIcon } from '@/components/icons'
import { useSessionState } from '@/lib/context'

export interface Page {
  path: string
  title: string
  Icon: typeof HomeIcon
  /** Without it the page has nothing to show. */
  permission?: string
  /** Found in the menu of administration. */
  administration?: true
  /** Pages below it are part of it. */
  folder?: true
}

const PAGES: readonly Page[] = [
  { path: '/', title: 'Overview', Icon: HomeIcon },
  { path: '/market-intelligence', title: 'Market intelligence', Icon: ChartIcon, permission: 'market_intel:read', folder: true },
  { path: '/demand/segments', title: 'Customer segments', Icon: SegmentsIcon },
  { path: '/pipeline', title: 'Data pipeline', Icon: PipelineIcon, permission: 'pipeline:read' },
  { path: '/alerts', title: 'Alerts', Icon: BellIcon },
  { path: '/operations', title: 'Operations', Icon: TaskIcon },
  { path: '/admin/users', title: 'Users', Icon: UsersIcon, permission: 'auth:read', administration: true },
  { path: '/admin/audit-log', title: 'Audit log', Icon: ListIcon, permission: 'auth:read', administration: true },
  { path: '/admin/systems', title: 'Systems', Icon: PlugIcon, permission: 'platform:manage', administration: true },
]

export const DOCS: Page = { path: '/api/v1/docs', title: 'API reference', Icon: BookIcon }

/** The pages that the person may open: for everybody, and of administration. */
export function useOpenPages(): { common: Page[]; administration: Page[] } {
  const state = useSessionState()
  const held = state.status === 'authenticated' ? state.user.permissions : []
  const open = PAGES.filter(({ permission }) => !permission || held.includes(permission))
  return { common: open.filter((page) => !page.administration), administration: open.filter((page) => page.administration) }
}
