import TextField from '@mui/material/TextField'
import { useState } from 'react'
import { useSeriesIds } from '@/features/market-intel/api/stored'
import { Choice } from '@/features/market-intel/components/choice'
import type { Option } from '@/features/market-intel/words'

interface Part {
  channel: string
  region: string
  country: string
  currency: string
}

interface SliceFieldsProps {
  slice: Part
  onChange: (change: Partial<Part>) => void
}

const ANY: Option = { value: '', title: 'All' }

/** Which part of the business is looked at: channel, region, country and currency. */
export function SliceFields({ slice, onChange }: SliceFieldsProps) {
  const channels = useSeriesIds('channel').data ?? []
  const regions = useSeriesIds('region').data ?? []
  const options = (values: readonly string[]) => [ANY, ...values.map((value) => ({ value, title: value }))]
  return (
    <>
      <Choice label="Channel" value={slice.channel} options={options(channels)} onChange={(channel) => onChange({ channel })} width={140} />
      <Choice label="Region" value={slice.region} options={options(regions)} onChange={(region) => onChange({ region })} width={140} />
      <Code key={`country ${slice.country}`} label="Country" hint="All" length={2} value={slice.country} onChange={(country) => onChange({ country })} />
      <Code key={`currency ${slice.currency}`} label="Currency" hint="All" length={3} value={slice.currency} onChange={(currency) => onChange({ currency })} />
    </>
  )
}

interface CodeProps {
  label: string
  hint: string
  length: number
  value: string
  onChange: (value: string) => void
}

/** A code of so many letters: taken once it is whole, or empty again. */
function Code({ label, hint, length, value, onChange }: CodeProps) {
  const [typed, setTyped] = useState(value)
  const take = (text: string) => {
    const code = text.trim().toUpperCase().slice(0, length)
    setTyped(code)
    if (code !== value && (code === '' || code.length === length)) onChange(code)
  }
  return (
    <TextField
      label={label}
      placeholder={hint}
      size="small"
      value={typed}
      onChange={(event) => take(event.target.value)}
      slotProps={{ inputLabel: { shrink: true }, input: { sx: { bgcolor: 'background.paper' } } }}
      sx={{ flex: { xs: '1 1 140px', sm: '0 1 120px' } }}
    />
  )
}
