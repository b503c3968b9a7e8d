import Alert from '@mui/material/Alert'
import AlertTitle from '@mui/material/AlertTitle'
import Button from '@mui/material/Button'
import Typography from '@mui/material/Typography'
import { ProblemNotice } from '@/components/problem-notice'
import { useChain } from '@/features/admin/api/audit-log'
import { formatCount } from '@/lib/format'
import { problemFromError } from '@/lib/problem'

/** Whether the log is as it was written, once somebody asks. */
export function ChainState() {
  const chain = useChain()
  const check = () => chain.mutate()
  if (chain.error) return <ProblemNotice problem={problemFromError(chain.error)} onRetry={check} busy={chain.isPending} />
  const found = chain.data
  return (
    <Alert
      role="status"
      severity={found ? (found.whole ? 'success' : 'error') : 'info'}
      variant="outlined"
      sx={{ bgcolor: 'background.paper', flexWrap: { xs: 'wrap', sm: 'nowrap' }, '& .MuiAlert-message': { flex: 1, minWidth: 0 } }}
      action={
        <Button color="inherit" size="small" loading={chain.isPending} onClick={check} sx={{ whiteSpace: 'nowrap' }}>
          {found ? 'Check again' : 'Check the log'}
        </Button>
      }
    >
      {!found && 'Each entry holds the hash of the one before: a change of any entry, or a missing one, would show.'}
      {found?.whole && (
        <>
          <AlertTitle sx={{ fontWeight: 650 }}>The log is whole: all {formatCount(found.seq)} entries are as they were written</AlertTitle>
          <Typography variant="body2" sx={{ overflowWrap: 'anywhere' }}>
            Last entry <code>{`${found.seq}:${found.hash}`}</code>
          </Typography>
        </>
      )}
      {found && !found.whole && (
        <>
          <AlertTitle sx={{ fontWeight: 650 }}>The log was tampered with</AlertTitle>
          {found.broken}
        </>
      )}
    </Alert>
  )
}
