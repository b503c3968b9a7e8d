import Autocomplete from '@mui/material/Autocomplete'
import Box from '@mui/material/Box'
import TextField from '@mui/material/TextField'
import Typography from '@mui/material/Typography'
import type { HTMLAttributes, Key } from 'react'
import { useProductChoices } from '@/features/market-intel/api/names'
import { useParts } from '@/features/market-intel/api/parts'
import type { Draft } from '@/features/market-intel/ask'
import type { Problem } from '@/lib/problem'
import { useSettled } from '@/lib/use-settled'

interface PartFieldsProps {
  draft: Draft
  problem: Problem | undefined
  onChange: (change: Partial<Draft>) => void
}

const PARTS = [
  { name: 'category', label: 'Category or department' },
  { name: 'product', label: 'Product' },
  { name: 'region', label: 'Region' },
  { name: 'channel', label: 'Channel' },
  { name: 'country', label: 'Country' },
] as const

/** Which part of the shop; all of it where nothing is said. */
export function PartFields({ draft, problem, onChange }: PartFieldsProps) {
  const parts = useParts()
  const products = useProductChoices(useSettled(draft.product))
  return (
    <Box role="group" aria-label="Part of the shop" sx={{ display: 'flex', flexWrap: 'wrap', gap: 1.5, alignItems: 'flex-start' }}>
      {PARTS.map(({ name, label }) => (
        <Part key={name} known={name === 'product' ? [...products.keys()] : parts[name]} {...(name === 'product' ? { names: products } : name === 'category' && { names: parts.names, searched: false })} label={label} value={draft[name]} wrong={problem?.field(`filters.${name}`) ?? problem?.field(name)} onChange={(value) => onChange({ [name]: value })} />
      ))}
    </Box>
  )
}

interface PartProps {
  known: readonly string[]
  /** What the values are called; they are found by it too. */
  names?: ReadonlyMap<string, string>
  /** Whether those that are known were found by what is typed. */
  searched?: boolean
  label: string
  value: string
  wrong: string | undefined
  onChange: (value: string) => void
}

/** One of the parts that are known, or another that is typed as it is. */
function Part({ known, names, searched = true, label, value, wrong, onChange }: PartProps) {
  return (
    <Autocomplete
      freeSolo
      size="small"
      options={[...known]}
      {...(names && { filterOptions: (options: string[]) => (searched ? options : namedLike(options, names, value)), renderOption: ({ key, ...shown }: HTMLAttributes<HTMLLIElement> & { key: Key }, id: string) => <Named key={key} {...shown} id={shown.id} name={names.get(id) ?? ''} value={id} /> })}
      inputValue={value}
      onInputChange={(_, typed, reason) => reason !== 'blur' && onChange(typed)}
      renderInput={(input) => <TextField {...input} label={label} placeholder="All" error={Boolean(wrong)} helperText={wrong ?? names?.get(value)} slotProps={{ ...input.slotProps, inputLabel: { ...input.slotProps.inputLabel, shrink: true } }} />}
      sx={{ flex: { xs: '1 1 140px', sm: '1 1 170px' }, maxWidth: { sm: 240 } }}
    />
  )
}

/** Those whose name or id has what is typed; all where one of them is chosen already. */
function namedLike(options: readonly string[], names: ReadonlyMap<string, string>, typed: string): string[] {
  const part = typed.trim().toLowerCase()
  return options.includes(typed) ? [...options] : options.filter((id) => `${names.get(id) ?? ''} ${id}`.toLowerCase().includes(part))
}

/** A product or department to choose: its name, and the id that is asked for. */
function Named({ name, value, ...item }: HTMLAttributes<HTMLLIElement> & { name: string; value: string }) {
  return (
    <Box component="li" {...item}>
      <Box sx={{ minWidth: 0 }}>
        <Typography variant="body2">{name}</Typography>
        <Typography variant="caption" color="textSecondary">
          {value}
        </Typography>
      </Box>
    </Box>
  )
}
