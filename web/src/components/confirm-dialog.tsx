import Button from '@mui/material/Button'
import Dialog from '@mui/material/Dialog'
import DialogActions from '@mui/material/DialogActions'
import DialogContent from '@mui/material/DialogContent'
import DialogContentText from '@mui/material/DialogContentText'
import DialogTitle from '@mui/material/DialogTitle'
import { type ReactNode, useId } from 'react'
import { ProblemNotice } from '@/components/problem-notice'
import { problemFromError } from '@/lib/problem'

interface ConfirmDialogProps {
  open: boolean
  /** The question, such as "Revoke this key?". */
  title: string
  /** What follows from a yes. */
  detail: ReactNode
  /** What the button that does it says: the deed, never "OK". */
  confirm: string
  /** `error` for what cannot be taken back. */
  tone?: 'error' | 'primary'
  busy?: boolean
  /** True while something is missing, such as a word to type. */
  disabled?: boolean
  /** Why it was refused, if it was; the dialog stays open. */
  error?: unknown
  onConfirm: () => void
  onClose: () => void
}

/** Asks before something is done that others feel or that cannot be taken back. */
export function ConfirmDialog(props: ConfirmDialogProps) {
  const { open, title, detail, confirm, tone = 'error', busy = false, disabled = false, error, onConfirm, onClose } = props
  const named = useId()
  const described = useId()
  return (
    <Dialog
      open={open}
      onClose={busy ? undefined : onClose}
      role="alertdialog"
      aria-labelledby={named}
      aria-describedby={described}
      maxWidth="xs"
      fullWidth
    >
      <DialogTitle id={named}>{title}</DialogTitle>
      <DialogContent sx={{ display: 'grid', gap: 2 }}>
        <DialogContentText id={described} component="div" variant="body2">
          {detail}
        </DialogContentText>
        {error ? <ProblemNotice problem={problemFromError(error)} /> : null}
      </DialogContent>
      <DialogActions sx={{ px: 3, pb: 2.5 }}>
        {/* The way back is what Enter does at first: what is not meant is not done. */}
        <Button autoFocus onClick={onClose} disabled={busy}>
          Cancel
        </Button>
        <Button variant="contained" color={tone} onClick={onConfirm} loading={busy} disabled={disabled}>
          {confirm}
        </Button>
      </DialogActions>
    </Dialog>
  )
}
