import Button from '@mui/material/Button'
import Stack from '@mui/material/Stack'
import TextField from '@mui/material/TextField'
import Typography from '@mui/material/Typography'
import { useRef, useState } from 'react'
import { type Parsed, parseSeries } from '@/features/market-intel/series-csv'
import { formatCount } from '@/lib/format'

interface SeriesInputProps {
  parsed: Parsed | undefined
  onChange: (parsed: Parsed | undefined) => void
  /** What the server found wrong with it. */
  wrong?: string | undefined
}

const SHOWN = 200_000

function counted({ points, series }: Parsed): string {
  const observations = points.length === 1 ? '1 observation' : `${formatCount(points.length)} observations`
  return `${observations} of ${series === 1 ? 'one series' : `${formatCount(series)} series`}`
}

/** Observations as CSV, pasted or from a file. A long file is read, and not put into the field. */
export function SeriesInput({ parsed, onChange, wrong }: SeriesInputProps) {
  const [text, setText] = useState('')
  const [file, setFile] = useState('')
  const input = useRef<HTMLInputElement>(null)
  const told = parsed?.problem ?? wrong
  const take = (next: string, name: string) => {
    setText(next.length > SHOWN ? '' : next)
    setFile(name)
    onChange(next.trim() === '' ? undefined : parseSeries(next))
  }
  return (
    <Stack spacing={1.5}>
      <TextField
        label="Observations as CSV"
        placeholder={'ds,y\n2026-01-01,120.5\n2026-01-02,98'}
        multiline
        minRows={4}
        maxRows={10}
        value={text}
        onChange={(event) => take(event.target.value, '')}
        error={Boolean(told)}
        helperText={told ?? 'The columns ds (a day) and y; with several series also series_id. Up to 1,000,000 lines.'}
        slotProps={{ inputLabel: { shrink: true }, input: { sx: { fontFamily: 'ui-monospace, monospace', fontSize: '0.8125rem', bgcolor: 'background.paper' } } }}
      />
      <Stack direction="row" spacing={2} sx={{ alignItems: 'center', flexWrap: 'wrap' }}>
        <Button variant="outlined" color="inherit" onClick={() => input.current?.click()} sx={{ borderColor: 'divider' }}>
          Choose a CSV file
        </Button>
        <input
          ref={input}
          type="file"
          aria-label="CSV file"
          accept=".csv,text/csv,text/plain"
          hidden
          onChange={(event) => {
            const chosen = event.target.files?.[0]
            if (chosen) void chosen.text().then((read) => take(read, chosen.name))
            event.target.value = ''
          }}
        />
        <Typography variant="body2" color="textSecondary" role="status">
          {parsed && !parsed.problem && `${file ? `${file}: ` : ''}${counted(parsed)}`}
        </Typography>
      </Stack>
    </Stack>
  )
}
