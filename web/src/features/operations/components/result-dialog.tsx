import Box from '@mui/material/Box'
import Button from '@mui/material/Button'
import Dialog from '@mui/material/Dialog'
import DialogActions from '@mui/material/DialogActions'
import DialogContent from '@mui/material/DialogContent'
import DialogTitle from '@mui/material/DialogTitle'
import { useId } from 'react'
import { CopyButton } from '@/components/copy-button'
import type { Operation } from '@/features/operations/api/operations'
import { kindOf } from '@/features/operations/standing'

/** The answer of an operation, as JSON. */
export function ResultDialog({ operation, onClose }: { operation: Operation; onClose: () => void }) {
  const heading = useId()
  const text = JSON.stringify(operation.result, null, 2)
  return (
    <Dialog open onClose={onClose} fullWidth maxWidth="md" aria-labelledby={heading}>
      <DialogTitle id={heading}>Result: {kindOf(operation)}</DialogTitle>
      <DialogContent>
        <Box
          component="pre"
          tabIndex={0}
          aria-label="Result as JSON"
          sx={{ m: 0, p: 2, borderRadius: 1, bgcolor: 'action.hover', overflow: 'auto', maxHeight: '60dvh', fontSize: '0.8125rem' }}
        >
          {text}
        </Box>
      </DialogContent>
      <DialogActions sx={{ px: 3, pb: 2.5, justifyContent: 'space-between' }}>
        <CopyButton text={text} variant="outlined" />
        <Button onClick={onClose}>Close</Button>
      </DialogActions>
    </Dialog>
  )
}
