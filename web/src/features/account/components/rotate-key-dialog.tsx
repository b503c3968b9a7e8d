import Button from '@mui/material/Button'
import Dialog from '@mui/material/Dialog'
import DialogActions from '@mui/material/DialogActions'
import DialogContent from '@mui/material/DialogContent'
import DialogTitle from '@mui/material/DialogTitle'
import MenuItem from '@mui/material/MenuItem'
import TextField from '@mui/material/TextField'
import Typography from '@mui/material/Typography'
import { useId, useState } from 'react'
import { FormProblem } from '@/components/form-problem'
import { type ApiKey, useRotateApiKey } from '@/features/account/api/api-keys'
import { formatMoment } from '@/lib/format'
import { problemFromError } from '@/lib/problem'

const OVERLAPS: [hours: number, title: string][] = [
  [0, 'The old key ends at once'],
  [1, '1 hour'],
  [24, '1 day'],
  [168, '7 days'],
  [720, '30 days'],
]
const USUAL_HOURS = 24

interface RotateKeyDialogProps {
  of: ApiKey
  onMade: (secret: string) => void
  onClose: () => void
}

/** Makes the successor of a key, and says until when both hold. */
export function RotateKeyDialog({ of, onMade, onClose }: RotateKeyDialogProps) {
  const named = useId()
  const [hours, setHours] = useState(USUAL_HOURS)
  const [opened] = useState(() => Date.now())
  const rotate = useRotateApiKey()
  const problem = rotate.error && problemFromError(rotate.error)
  return (
    <Dialog open onClose={rotate.isPending ? undefined : onClose} aria-labelledby={named} maxWidth="xs" fullWidth>
      <DialogTitle id={named}>{`Rotate “${of.name}”`}</DialogTitle>
      <DialogContent sx={{ display: 'grid', gap: 2.5, '&&': { pt: 1 } }}>
        <Typography variant="body2" color="textSecondary">
          You get a new key with the same scopes. Both hold for the overlap, so that your programs can be given the new one without a
          pause.
        </Typography>
        {problem && <FormProblem problem={problem} fields={[]} />}
        <TextField
          label="Overlap"
          select
          value={String(hours)}
          onChange={(event) => setHours(Number(event.target.value))}
          helperText={hours === 0 ? 'Programs with the old key are refused from now on.' : `The old key holds until ${until(of, opened, hours)}.`}
        >
          {OVERLAPS.map(([choice, title]) => (
            <MenuItem key={choice} value={String(choice)}>
              {title}
            </MenuItem>
          ))}
        </TextField>
      </DialogContent>
      <DialogActions sx={{ px: 3, pb: 2.5 }}>
        <Button onClick={onClose} disabled={rotate.isPending}>
          Cancel
        </Button>
        <Button
          variant="contained"
          color={hours === 0 ? 'error' : 'primary'}
          loading={rotate.isPending}
          onClick={() => rotate.mutate({ id: of.id ?? '', overlap_hours: hours }, { onSuccess: ({ key }) => onMade(key) })}
        >
          Rotate
        </Button>
      </DialogActions>
    </Dialog>
  )
}

/** An overlap makes no key hold longer than it would have. */
function until(key: ApiKey, from: number, hours: number): string {
  const own = key.expires_at ? Date.parse(key.expires_at) : Infinity
  return formatMoment(new Date(Math.min(from + hours * 3_600_000, own)).toISOString())
}
