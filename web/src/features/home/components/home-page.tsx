import Box from '@mui/material/Box'
import Skeleton from '@mui/material/Skeleton'
import Stack from '@mui/material/Stack'
import { PageHeader } from '@/components/page-header'
import { ProblemNotice } from '@/components/problem-notice'
import { type System, useSystems } from '@/features/home/api/get-systems'
import { KeyFigures } from '@/features/home/components/key-figures'
import { SystemCard } from '@/features/home/components/system-card'
import { useSessionState } from '@/lib/context'
import { problemFromError } from '@/lib/problem'

const RANK: Record<System['status'], number> = { up: 0, down: 1, not_running: 2 }

/** The overview: a card for each system, those that run first. */
export function HomePage() {
  const state = useSessionState()
  const systems = useSystems()
  const name = state.status === 'authenticated' ? state.user.full_name.split(' ')[0] : ''
  return (
    <Stack spacing={4}>
      <PageHeader
        title={`Welcome back, ${name}`}
        tab="Overview"
        detail="How the business stands, and the systems that read its data. Open one to see what it found."
      />
      <KeyFigures />
      {systems.error && (
        <ProblemNotice
          problem={problemFromError(systems.error)}
          onRetry={() => void systems.refetch()}
          busy={systems.isFetching}
        />
      )}
      <Box
        component="ul"
        aria-label="Systems"
        aria-busy={systems.isPending}
        sx={{
          listStyle: 'none',
          m: 0,
          p: 0,
          display: 'grid',
          gap: 2.5,
          gridTemplateColumns: 'repeat(auto-fill, minmax(min(100%, 320px), 1fr))',
        }}
      >
        {systems.isPending && [1, 2, 3, 4, 5].map((key) => <CardSkeleton key={key} />)}
        {systems.data &&
          [...systems.data]
            .sort((one, other) => RANK[one.status] - RANK[other.status])
            .map((system) => <SystemCard key={system.name} system={system} />)}
      </Box>
    </Stack>
  )
}

function CardSkeleton() {
  return (
    <li aria-hidden>
      <Skeleton variant="rounded" height={196} />
    </li>
  )
}
