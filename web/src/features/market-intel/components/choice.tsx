import MenuItem from '@mui/material/MenuItem'
import TextField from '@mui/material/TextField'
import type { Option } from '@/features/market-intel/words'
import { titleOf } from '@/features/market-intel/words'

interface ChoiceProps {
  label: string
  value: string
  options: readonly Option[]
  onChange: (value: string) => void
  disabled?: boolean
  wrong?: string | undefined
  /** What is said below it. */
  help?: string
  width?: number
}

const ALL = ''

/** One of few values. A value from a shared link that is none of them stands there all the same, and the server says what is wrong with it. */
export function Choice({ label, value, options, onChange, disabled = false, wrong, help, width = 180 }: ChoiceProps) {
  const known = options.some((option) => option.value === value)
  const shown = known || value === ALL ? options : [...options, { value, title: titleOf(options, value) }]
  return (
    <TextField
      select
      size="small"
      label={label}
      value={value}
      disabled={disabled}
      error={Boolean(wrong)}
      helperText={wrong ?? help}
      onChange={(event) => onChange(event.target.value)}
      slotProps={{ input: { sx: { bgcolor: 'background.paper' } }, select: { displayEmpty: true }, inputLabel: { shrink: true } }}
      sx={{ flex: { xs: '1 1 140px', sm: `0 1 ${width}px` }, minWidth: 0 }}
    >
      {shown.map((option) => (
        <MenuItem key={option.value} value={option.value}>
          {option.title}
        </MenuItem>
      ))}
    </TextField>
  )
}
