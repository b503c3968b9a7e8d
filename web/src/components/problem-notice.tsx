import Alert from '@mui/material/Alert'
import AlertTitle from '@mui/material/AlertTitle'
import Button from '@mui/material/Button'
import Typography from '@mui/material/Typography'
import { RefreshIcon } from '@/components/icons'
import type { Problem } from '@/lib/problem'

interface ProblemNoticeProps {
  problem: Problem
  onRetry?: () => void
  /** What the button says. */
  retry?: string
  busy?: boolean
}

/** What went wrong, in the server's words, with a way to try again and the id that finds it in the logs. */
export function ProblemNotice({ problem, onRetry, retry = 'Try again', busy = false }: ProblemNoticeProps) {
  return (
    <Alert
      severity={problem.status >= 400 && problem.status < 500 ? 'warning' : 'error'}
      variant="outlined"
      action={
        onRetry && (
          <Button color="inherit" size="small" startIcon={<RefreshIcon />} onClick={onRetry} loading={busy}>
            {retry}
          </Button>
        )
      }
      sx={{
        bgcolor: 'background.paper',
        flexWrap: { xs: 'wrap', sm: 'nowrap' },
        '& .MuiAlert-message': { flex: 1, minWidth: 0, overflowWrap: 'anywhere' },
        '& .MuiAlert-action': { width: { xs: '100%', sm: 'auto' }, pl: { xs: 3.5, sm: 2 }, whiteSpace: 'nowrap' },
      }}
    >
      <AlertTitle sx={{ fontWeight: 650 }}>{problem.title}</AlertTitle>
      <What problem={problem} />
      {problem.traceId && (
        <Typography variant="caption" color="textSecondary" component="p" sx={{ mt: 1, overflowWrap: 'anywhere' }}>
          Trace id <code>{problem.traceId}</code>
        </Typography>
      )}
    </Alert>
  )
}

/** What was wrong; where the server only refers to the fields, what was wrong with each. */
function What({ problem }: { problem: Problem }) {
  if (problem.errors.length > 0 && problem.message.includes('see `errors`')) {
    return problem.errors.map(({ field }) => (
      <Typography key={field} variant="body2">
        <code>{field}</code>: {problem.field(field)}
      </Typography>
    ))
  }
  return problem.message !== `${problem.title}.` && <Typography variant="body2">{problem.message}</Typography>
}
