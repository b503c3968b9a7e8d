import TextField from '@mui/material/TextField'

interface DayFieldProps {
  label: string
  value: string
  onChange: (day: string) => void
  wrong?: string | undefined
}

/** A day, `YYYY-MM-DD`; empty where none is chosen. */
export function DayField({ label, value, onChange, wrong }: DayFieldProps) {
  return (
    <TextField
      label={label}
      type="date"
      size="small"
      value={value}
      error={Boolean(wrong)}
      helperText={wrong}
      onChange={(event) => onChange(event.target.value)}
      slotProps={{ inputLabel: { shrink: true }, input: { sx: { bgcolor: 'background.paper' } } }}
      sx={{ flex: { xs: '1 1 140px', sm: '0 1 160px' } }}
    />
  )
}
