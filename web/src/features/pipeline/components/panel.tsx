import Box from '@mui/material/Box'
import Card from '@mui/material/Card'
import Skeleton from '@mui/material/Skeleton'
import TableContainer from '@mui/material/TableContainer'
import Typography from '@mui/material/Typography'
import { type ReactNode, useId } from 'react'
import { ProblemNotice } from '@/components/problem-notice'
import { problemFromError } from '@/lib/problem'

interface PanelProps {
  title: string
  detail: string
  action?: ReactNode
  /** The question behind the panel: while it waits a skeleton stands there, when it fails why. */
  asked: { error: unknown; isPending: boolean; isFetching: boolean; refetch: () => unknown }
  children: ReactNode
}

/** A titled card that shows its content once it is there. */
export function Panel({ title, detail, action, asked, children }: PanelProps) {
  const heading = useId()
  return (
    <Card>
      <Box sx={{ px: 2.5, pt: 2.25, pb: 1.5, display: 'flex', flexWrap: 'wrap', gap: 2, alignItems: 'flex-start' }}>
        <Box sx={{ flex: 1, minWidth: 240 }}>
          <Typography variant="h2" id={heading}>
            {title}
          </Typography>
          <Typography variant="body2" color="textSecondary">
            {detail}
          </Typography>
        </Box>
        {action}
      </Box>
      {asked.error ? (
        <Box sx={{ px: 2.5, pb: 2.5 }}>
          <ProblemNotice
            problem={problemFromError(asked.error)}
            onRetry={() => void asked.refetch()}
            busy={asked.isFetching}
          />
        </Box>
      ) : asked.isPending ? (
        <Box sx={{ px: 2.5, pb: 2.5 }} aria-busy>
          <Skeleton variant="rounded" height={160} />
        </Box>
      ) : (
        <TableContainer tabIndex={0} role="region" aria-labelledby={heading}>
          {children}
        </TableContainer>
      )}
    </Card>
  )
}

/** What stands in a panel that has nothing to show. */
export function Nothing({ children }: { children: ReactNode }) {
  return (
    <Typography color="textSecondary" sx={{ px: 2.5, pb: 2.5 }}>
      {children}
    </Typography>
  )
}
