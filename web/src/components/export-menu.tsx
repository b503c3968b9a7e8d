import Alert from '@mui/material/Alert'
import Button from '@mui/material/Button'
import ListItemText from '@mui/material/ListItemText'
import Menu from '@mui/material/Menu'
import MenuItem from '@mui/material/MenuItem'
import Snackbar from '@mui/material/Snackbar'
import { useMutation } from '@tanstack/react-query'
import { useState } from 'react'
import { DownloadIcon } from '@/components/icons'
import { download, type FileForm } from '@/lib/api'
import { usePlatform } from '@/lib/context'
import { problemFromError } from '@/lib/problem'

const FORMATS: { title: string; detail: string; form: FileForm }[] = [
  { title: 'Excel', detail: 'A workbook', form: 'xlsx' },
  { title: 'CSV', detail: 'For other spreadsheets', form: 'csv' },
  { title: 'Arrow', detail: 'For pandas, R, DuckDB', form: 'arrow' },
]

interface ExportMenuProps {
  /** Where the rows are answered, with the query. */
  path: string
  /** Name of the file without its ending; it tells what of the view is in it. */
  name: string
  disabled: boolean
}

/** Saves an answer's rows as a file, in one of the forms that every table is answered in. */
export function ExportMenu({ path, name, disabled }: ExportMenuProps) {
  const { session } = usePlatform()
  const [anchor, setAnchor] = useState<HTMLElement | null>(null)
  const save = useMutation({
    mutationFn: ({ form }: (typeof FORMATS)[number]) => download(session, path, form, name),
  })
  return (
    <>
      <Button
        variant="outlined"
        color="inherit"
        startIcon={<DownloadIcon />}
        aria-haspopup="menu"
        aria-expanded={anchor !== null}
        disabled={disabled}
        loading={save.isPending}
        loadingPosition="start"
        onClick={(event) => setAnchor(event.currentTarget)}
        sx={{ bgcolor: 'background.paper', borderColor: 'divider', height: 38 }}
      >
        Export
      </Button>
      <Menu anchorEl={anchor} open={anchor !== null} onClose={() => setAnchor(null)}>
        {FORMATS.map((format) => (
          <MenuItem
            key={format.title}
            onClick={() => {
              setAnchor(null)
              save.mutate(format)
            }}
          >
            <ListItemText primary={format.title} secondary={format.detail} />
          </MenuItem>
        ))}
      </Menu>
      <Snackbar open={save.isError} onClose={() => save.reset()} autoHideDuration={8000}>
        <Alert severity="error" variant="filled" onClose={() => save.reset()}>
          The export failed. {problemFromError(save.error).message}
        </Alert>
      </Snackbar>
    </>
  )
}
