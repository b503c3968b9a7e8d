import LinearProgress from '@mui/material/LinearProgress'
import Stack from '@mui/material/Stack'
import Typography from '@mui/material/Typography'
import type { Operation } from '@/features/operations/api/operations'

/** How far an operation has come, or what came of it. */
export function Outcome({ operation }: { operation: Operation }) {
  if (!operation.done) return <Progress operation={operation} />
  if (operation.error) {
    return (
      <Typography variant="body2" sx={{ overflowWrap: 'anywhere' }}>
        {operation.error.detail || operation.error.reason}
      </Typography>
    )
  }
  return (
    <Typography variant="body2" color="textSecondary">
      The result is ready
    </Typography>
  )
}

function Progress({ operation }: { operation: Operation }) {
  const percent = Math.round(operation.progress_pct ?? 0)
  return (
    <Stack spacing={0.75} sx={{ minWidth: { md: 220 } }}>
      <LinearProgress
        variant={percent > 0 ? 'determinate' : 'indeterminate'}
        value={percent}
        aria-label={`Progress of ${operation.name}`}
        sx={{ height: 6, borderRadius: 3 }}
      />
      <Typography variant="body2" color="textSecondary">
        {[operation.phrase, percent > 0 && `${percent}%`].filter(Boolean).join(', ') || 'Waits for its turn'}
      </Typography>
    </Stack>
  )
}
