import Autocomplete from '@mui/material/Autocomplete'
import Box from '@mui/material/Box'
import TextField from '@mui/material/TextField'
import { type Parts, useParts } from '@/features/market-intel/api/parts'
import type { Draft } from '@/features/market-intel/ask'
import type { Problem } from '@/lib/problem'

interface PartFieldsProps {
  draft: Draft
  problem: Problem | undefined
  onChange: (change: Partial<Draft>) => void
}

const PARTS = [
  { name: 'category', label: 'Category or department' },
  { name: 'product', label: 'Product id' },
  { name: 'region', label: 'Region' },
  { name: 'channel', label: 'Channel' },
  { name: 'country', label: 'Country' },
] as const

/** Products are too many to be listed: their ids are typed. */
const NONE: Parts['channel'] = []

/** Which part of the shop; all of it where nothing is said. */
export function PartFields({ draft, problem, onChange }: PartFieldsProps) {
  const parts = useParts()
  return (
    <Box role="group" aria-label="Part of the shop" sx={{ display: 'flex', flexWrap: 'wrap', gap: 1.5, alignItems: 'flex-start' }}>
      {PARTS.map(({ name, label }) => (
        <Part key={name} known={name === 'product' ? NONE : parts[name]} label={label} value={draft[name]} wrong={problem?.field(`filters.${name}`) ?? problem?.field(name)} onChange={(value) => onChange({ [name]: value })} />
      ))}
    </Box>
  )
}

interface PartProps {
  known: readonly string[]
  label: string
  value: string
  wrong: string | undefined
  onChange: (value: string) => void
}

/** One of the parts that are known, or another that is typed as it is. */
function Part({ known, label, value, wrong, onChange }: PartProps) {
  return (
    <Autocomplete
      freeSolo
      size="small"
      options={[...known]}
      inputValue={value}
      onInputChange={(_, typed, reason) => reason !== 'blur' && onChange(typed)}
      renderInput={(input) => <TextField {...input} label={label} placeholder="All" error={Boolean(wrong)} helperText={wrong} slotProps={{ ...input.slotProps, inputLabel: { ...input.slotProps.inputLabel, shrink: true } }} />}
      sx={{ flex: { xs: '1 1 140px', sm: '1 1 170px' }, maxWidth: { sm: 240 } }}
    />
  )
}
