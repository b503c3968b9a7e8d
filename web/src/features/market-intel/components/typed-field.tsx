import TextField from '@mui/material/TextField'
import { useEffect, useEffectEvent, useState } from 'react'
import { useSettled } from '@/lib/use-settled'

interface TypedFieldProps {
  label: string
  value: string
  onChange: (value: string) => void
}

/** A text that is taken once somebody has stopped typing it. */
export function TypedField({ label, value, onChange }: TypedFieldProps) {
  const [typed, setTyped] = useState(value)
  const settled = useSettled(typed.trim(), 400)
  const take = useEffectEvent((found: string) => found !== value && onChange(found))
  useEffect(() => void take(settled), [settled])
  return (
    <TextField
      label={label}
      size="small"
      value={typed}
      onChange={(event) => setTyped(event.target.value)}
      slotProps={{ inputLabel: { shrink: true }, input: { sx: { bgcolor: 'background.paper' } } }}
      sx={{ flex: { xs: '1 1 140px', sm: '0 1 200px' } }}
    />
  )
}
