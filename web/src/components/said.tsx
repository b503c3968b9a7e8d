import Alert from '@mui/material/Alert'
import Snackbar from '@mui/material/Snackbar'

/** Says for a moment what was done; an empty text says nothing. */
export function Said({ what, onClose }: { what: string; onClose: () => void }) {
  return (
    <Snackbar open={what !== ''} onClose={(_, why) => why !== 'clickaway' && onClose()} autoHideDuration={6000}>
      <Alert severity="success" variant="outlined" role="status" onClose={onClose} sx={{ bgcolor: 'background.paper', boxShadow: 3 }}>
        {what}
      </Alert>
    </Snackbar>
  )
}
