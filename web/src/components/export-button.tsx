import Alert from '@mui/material/Alert'
import Button from '@mui/material/Button'
import Snackbar from '@mui/material/Snackbar'
import { DownloadIcon } from '@/components/icons'
import { problemFromError } from '@/lib/problem'

interface ExportButtonProps {
  title: string
  disabled: boolean
  /** What makes and saves the file. */
  saving: { mutate: () => void; isPending: boolean; isError: boolean; error: unknown; reset: () => void }
}

/** Saves rows as a file, and says why where it could not. */
export function ExportButton({ title, disabled, saving }: ExportButtonProps) {
  return (
    <>
      <Button
        variant="outlined"
        color="inherit"
        startIcon={<DownloadIcon />}
        disabled={disabled}
        loading={saving.isPending}
        loadingPosition="start"
        onClick={() => saving.mutate()}
        sx={{ bgcolor: 'background.paper', borderColor: 'divider', height: 38 }}
      >
        {title}
      </Button>
      <Snackbar open={saving.isError} onClose={() => saving.reset()} autoHideDuration={8000}>
        <Alert severity="error" variant="filled" onClose={() => saving.reset()}>
          The export failed. {problemFromError(saving.error).message}
        </Alert>
      </Snackbar>
    </>
  )
}
