import Alert from '@mui/material/Alert'
import Button from '@mui/material/Button'
import Dialog from '@mui/material/Dialog'
import DialogActions from '@mui/material/DialogActions'
import DialogContent from '@mui/material/DialogContent'
import DialogTitle from '@mui/material/DialogTitle'
import Stack from '@mui/material/Stack'
import Typography from '@mui/material/Typography'
import { useId } from 'react'
import { ProblemNotice } from '@/components/problem-notice'
import { type AlertRule, useTestRule } from '@/features/alerts/api/alert-rules'
import { Deliveries } from '@/features/alerts/components/events-dialog'
import { channelWords } from '@/features/alerts/wording'
import { problemFromError } from '@/lib/problem'

/** Sends a test notice once that is asked for, and shows how each channel took it. */
export function TestDialog({ rule, onClose }: { rule: AlertRule; onClose: () => void }) {
  const heading = useId()
  const test = useTestRule()
  const failed = test.data?.deliveries.some(({ outcome }) => outcome === 'failed')
  return (
    <Dialog open onClose={test.isPending ? undefined : onClose} fullWidth maxWidth="xs" aria-labelledby={heading}>
      <DialogTitle id={heading}>Test {rule.name}</DialogTitle>
      <DialogContent>
        <Stack spacing={2}>
          <Typography variant="body2">A notice that says it is a test is sent {channelWords(rule.channels)}.</Typography>
          {test.error && <ProblemNotice problem={problemFromError(test.error)} />}
          {test.data && (
            <Alert severity={failed ? 'warning' : 'success'} variant="outlined" role="status">
              <Deliveries event={test.data} />
            </Alert>
          )}
        </Stack>
      </DialogContent>
      <DialogActions sx={{ px: 3, pb: 2.5 }}>
        <Button color="inherit" onClick={onClose} disabled={test.isPending}>
          Close
        </Button>
        <Button variant="contained" loading={test.isPending} onClick={() => test.mutate(rule.id)}>
          {test.data ? 'Send another' : 'Send the test'}
        </Button>
      </DialogActions>
    </Dialog>
  )
}
