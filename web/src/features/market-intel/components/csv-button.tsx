import Button from '@mui/material/Button'
import { DownloadIcon } from '@/components/icons'
import { saveCsv } from '@/lib/csv'

interface CsvButtonProps {
  name: string
  header: readonly string[]
  rows: () => readonly (readonly (string | number)[])[]
}

/** Saves rows that are here already as a CSV file. */
export function CsvButton({ name, header, rows }: CsvButtonProps) {
  return (
    <Button variant="outlined" color="inherit" startIcon={<DownloadIcon />} onClick={() => saveCsv(name, header, rows())} sx={{ bgcolor: 'background.paper', borderColor: 'divider', height: 38 }}>
      Export CSV
    </Button>
  )
}
