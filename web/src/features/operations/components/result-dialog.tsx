import Box from '@mui/material/Box'
import Button from '@mui/material/Button'
import Dialog from '@mui/material/Dialog'
import DialogActions from '@mui/material/DialogActions'
import DialogContent from '@mui/material/DialogContent'
import DialogTitle from '@mui/material/DialogTitle'
import LinearProgress from '@mui/material/LinearProgress'
import { useId } from 'react'
import { CopyButton } from '@/components/copy-button'
import { ProblemNotice } from '@/components/problem-notice'
import { type Operation, useOperation } from '@/features/operations/api/operations'
import { Outcome } from '@/features/operations/components/outcome'
import { kindOf } from '@/features/operations/standing'
import { problemFromError } from '@/lib/problem'

/** The answer of an operation, as JSON. */
export function ResultDialog({ operation, onClose }: { operation: Operation; onClose: () => void }) {
  const heading = useId()
  const asked = useOperation(operation.name)
  const result = asked.data?.result
  const text = JSON.stringify(result ?? {}, null, 2)
  return (
    <Dialog open onClose={onClose} fullWidth maxWidth="md" aria-labelledby={heading}>
      <DialogTitle id={heading}>Result: {kindOf(operation)}</DialogTitle>
      <DialogContent>
        {asked.isPending && <LinearProgress aria-label="Asking for the result" />}
        {asked.error && <ProblemNotice problem={problemFromError(asked.error)} onRetry={() => void asked.refetch()} busy={asked.isFetching} />}
        {asked.data?.error && <Outcome operation={asked.data} />}
        {result && (
          <Box
            component="pre"
            tabIndex={0}
            aria-label="Result as JSON"
            sx={{ m: 0, p: 2, borderRadius: 1, bgcolor: 'action.hover', overflow: 'auto', maxHeight: '60dvh', fontSize: '0.8125rem' }}
          >
            {text}
          </Box>
        )}
      </DialogContent>
      <DialogActions sx={{ px: 3, pb: 2.5, justifyContent: 'space-between' }}>
        {result && <CopyButton text={text} variant="outlined" />}
        <Button onClick={onClose}>Close</Button>
      </DialogActions>
    </Dialog>
  )
}
