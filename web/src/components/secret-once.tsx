import Alert from '@mui/material/Alert'
import Box from '@mui/material/Box'
import Button from '@mui/material/Button'
import Checkbox from '@mui/material/Checkbox'
import Dialog from '@mui/material/Dialog'
import DialogActions from '@mui/material/DialogActions'
import DialogContent from '@mui/material/DialogContent'
import DialogTitle from '@mui/material/DialogTitle'
import FormControlLabel from '@mui/material/FormControlLabel'
import { type ReactNode, useId, useState } from 'react'
import { CopyButton } from '@/components/copy-button'

interface SecretOnceProps {
  title: string
  /** The secret; the dialog is open while there is one. */
  secret: string | undefined
  /** What it is called, such as "API key". */
  label: string
  /** What to know about it. */
  detail?: ReactNode
  onDone: () => void
}

/** Shows a secret that is never shown again; closes only once the reader says that it is kept. */
export function SecretOnce({ title, secret, label, detail, onDone }: SecretOnceProps) {
  const named = useId()
  return (
    // No onClose: neither Escape nor a click beside it may throw the secret away.
    <Dialog open={secret !== undefined} aria-labelledby={named} maxWidth="sm" fullWidth>
      <DialogTitle id={named}>{title}</DialogTitle>
      {secret !== undefined && <Shown secret={secret} label={label} detail={detail} onDone={onDone} />}
    </Dialog>
  )
}

function Shown({ secret, label, detail, onDone }: { secret: string } & Pick<SecretOnceProps, 'label' | 'detail' | 'onDone'>) {
  const [kept, setKept] = useState(false)
  return (
    <>
      <DialogContent sx={{ display: 'grid', gap: 2 }}>
        <Alert severity="warning" variant="outlined" role="note">
          This is the only time that it is shown. Nobody can look it up later.
        </Alert>
        <SecretText label={label}>{secret}</SecretText>
        {detail}
        <Kept kept={kept} onChange={setKept} />
      </DialogContent>
      <DialogActions sx={{ px: 3, pb: 2.5, justifyContent: 'space-between' }}>
        <CopyButton text={secret} label={`Copy the ${label}`} variant="outlined" autoFocus />
        <Button variant="contained" disabled={!kept} onClick={onDone}>
          Done
        </Button>
      </DialogActions>
    </>
  )
}

/** A secret in type that tells l, 1 and I apart; a click selects all of it. */
export function SecretText({ label, children }: { label: string; children: string }) {
  return (
    <Box
      component="code"
      role="textbox"
      aria-readonly
      aria-label={label}
      tabIndex={0}
      sx={{
        display: 'block',
        px: 2,
        py: 1.5,
        borderRadius: 1,
        border: 1,
        borderColor: 'divider',
        bgcolor: 'action.hover',
        fontFamily: 'ui-monospace, "DejaVu Sans Mono", monospace',
        fontSize: '0.9375rem',
        overflowWrap: 'anywhere',
        userSelect: 'all',
      }}
    >
      {children}
    </Box>
  )
}

/** What the reader ticks before a secret goes for good. */
export function Kept({ kept, onChange }: { kept: boolean; onChange: (kept: boolean) => void }) {
  return (
    <FormControlLabel
      control={<Checkbox checked={kept} onChange={(event) => onChange(event.target.checked)} />}
      label="I have stored it in a safe place"
    />
  )
}
