import Button from '@mui/material/Button'
import Card from '@mui/material/Card'
import LinearProgress from '@mui/material/LinearProgress'
import Stack from '@mui/material/Stack'
import Typography from '@mui/material/Typography'
import { ProblemNotice } from '@/components/problem-notice'
import { type Operation, useCancel } from '@/features/market-intel/api/operation'
import { sentence } from '@/features/market-intel/prose'
import { problemFromError } from '@/lib/problem'

/** How far long work has come, and a way to end it. */
export function OperationProgress({ operation }: { operation: Operation }) {
  const cancel = useCancel()
  const percent = Math.round(operation.progress_pct ?? 0)
  return (
    <Card sx={{ p: 2.5 }}>
      <Stack spacing={1.5}>
        <Stack direction="row" spacing={2} sx={{ alignItems: 'center', justifyContent: 'space-between' }}>
          <Typography variant="h2">It takes a while</Typography>
          {operation.cancellable && (
            <Button color="error" size="small" loading={cancel.isPending} onClick={() => cancel.mutate(operation.name)}>
              Cancel
            </Button>
          )}
        </Stack>
        <LinearProgress variant={percent > 0 ? 'determinate' : 'indeterminate'} value={percent} aria-label="Progress" sx={{ height: 8, borderRadius: 4 }} />
        <Typography variant="body2" color="textSecondary" role="status">
          {[sentence(operation.phrase ?? '').replace(/\.$/, ''), percent > 0 && `${percent}%`].filter(Boolean).join(', ') || 'Waits for its turn'}. You can leave this page: the result is kept under Operations.
        </Typography>
        {cancel.error && <ProblemNotice problem={problemFromError(cancel.error)} />}
      </Stack>
    </Card>
  )
}
