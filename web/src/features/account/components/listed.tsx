import Box from '@mui/material/Box'
import Skeleton from '@mui/material/Skeleton'
import Typography from '@mui/material/Typography'
import type { ReactNode } from 'react'
import { ProblemNotice } from '@/components/problem-notice'
import { problemFromError } from '@/lib/problem'

interface ListedProps<Item> {
  label: string
  /** The question behind the list: while it waits a skeleton stands there, when it fails why. */
  asked: { data: Item[] | undefined; error: unknown; isFetching: boolean; refetch: () => unknown }
  /** What stands there when there is nothing. */
  none: string
  children: (item: Item) => ReactNode
}

/** A list of things with something to do to each, once it is there. */
export function Listed<Item>({ label, asked, none, children }: ListedProps<Item>) {
  if (!asked.data && asked.error)
    return <ProblemNotice problem={problemFromError(asked.error)} onRetry={() => void asked.refetch()} busy={asked.isFetching} />
  if (!asked.data) return <Skeleton variant="rounded" height={120} aria-busy aria-label={`Loading: ${label}`} />
  if (asked.data.length === 0) return <Typography color="textSecondary">{none}</Typography>
  return (
    <Box component="ul" aria-label={label} sx={{ listStyle: 'none', m: 0, p: 0, display: 'grid', gap: 1.5 }}>
      {asked.data.map(children)}
    </Box>
  )
}

/** One of them: what it is, what is known of it, and what can be done. */
export function ListedItem({ title, mark, actions, children }: { title: ReactNode; mark?: ReactNode; actions?: ReactNode; children: ReactNode }) {
  return (
    <Box
      component="li"
      sx={{
        display: 'flex',
        flexWrap: 'wrap',
        gap: 1.5,
        alignItems: 'flex-start',
        p: 2,
        border: 1,
        borderColor: 'divider',
        borderRadius: 1,
      }}
    >
      <Box sx={{ flex: 1, minWidth: 220, display: 'grid', gap: 1 }}>
        <Box sx={{ display: 'flex', flexWrap: 'wrap', gap: 1, alignItems: 'center' }}>
          <Typography component="h3" sx={{ fontWeight: 600, overflowWrap: 'anywhere' }}>
            {title}
          </Typography>
          {mark}
        </Box>
        {children}
      </Box>
      {actions && <Box sx={{ display: 'flex', gap: 1 }}>{actions}</Box>}
    </Box>
  )
}
