import Alert from '@mui/material/Alert'
import Button from '@mui/material/Button'
import ListItemText from '@mui/material/ListItemText'
import Menu from '@mui/material/Menu'
import MenuItem from '@mui/material/MenuItem'
import Snackbar from '@mui/material/Snackbar'
import { useMutation } from '@tanstack/react-query'
import { useState } from 'react'
import { DownloadIcon } from '@/components/icons'
import { download } from '@/lib/api'
import { usePlatform } from '@/lib/context'
import { formatCount } from '@/lib/format'
import { problemFromError } from '@/lib/problem'

const FORMATS = [
  {
    title: 'Excel',
    detail: 'A workbook',
    accept: 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet',
    extension: 'xlsx',
  },
  { title: 'CSV', detail: 'For other spreadsheets', accept: 'text/csv', extension: 'csv' },
  { title: 'Arrow', detail: 'For pandas, R, DuckDB', accept: 'application/vnd.apache.arrow.stream', extension: 'arrow' },
]

interface ExportMenuProps {
  /** Where the rows are answered, with the query. */
  path: string
  /** Name of the file without its ending, where the server names none. */
  name: string
  disabled: boolean
  /** Rows over all pages. Only CSV goes beyond the first page. */
  total?: number | undefined
}

/** The most rows that one answer has. */
const PAGE = 1000

/** Saves an answer's rows as a file, in one of the forms that every table is answered in. */
export function ExportMenu({ path, name, disabled, total = 0 }: ExportMenuProps) {
  const { session } = usePlatform()
  const [anchor, setAnchor] = useState<HTMLElement | null>(null)
  const save = useMutation({
    mutationFn: ({ accept, extension }: (typeof FORMATS)[number]) =>
      download(session, path, accept, `${name}.${extension}`),
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
            <ListItemText primary={format.title} secondary={total > PAGE && format.accept !== 'text/csv' ? `${format.detail}; the first ${formatCount(PAGE)} rows` : format.detail} />
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
