import Alert from '@mui/material/Alert'
import Typography from '@mui/material/Typography'
import type { Problem } from '@/lib/problem'

interface FormProblemProps {
  problem: Problem
  /** Fields that show their own complaint; what is said there is not said twice. */
  fields: readonly string[]
}

/** What the server refused, unless the fields say all of it. */
export function FormProblem({ problem, fields }: FormProblemProps) {
  const shownAtFields = problem.errors.length > 0 && problem.errors.every((error) => fields.includes(error.field))
  if (shownAtFields) return null
  return (
    <Alert severity="error" variant="outlined">
      {problem.message}
      {problem.status >= 500 && problem.traceId && (
        <Typography variant="caption" component="p" color="textSecondary" sx={{ overflowWrap: 'anywhere' }}>
          Trace id <code>{problem.traceId}</code>
        </Typography>
      )}
    </Alert>
  )
}
