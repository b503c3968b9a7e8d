import { useParts } from '@/features/market-intel/api/parts'
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

const ALL: Option = { value: '', title: 'All' }

/** Which part of the business is looked at: channel, region, country and currency. */
export function SliceFields({ slice, onChange }: SliceFieldsProps) {
  const parts = useParts()
  return (
    <>
      <Choice label="Channel" value={slice.channel} options={options(parts.channel)} onChange={(channel) => onChange({ channel })} width={140} />
      <Choice label="Region" value={slice.region} options={options(parts.region)} onChange={(region) => onChange({ region })} width={140} />
      <Choice label="Country" value={slice.country} options={options(parts.country)} onChange={(country) => onChange({ country })} width={120} />
      <Choice label="Currency" value={slice.currency} options={options(parts.currencies)} onChange={(currency) => onChange({ currency })} width={120} />
    </>
  )
}

function options(values: readonly string[]): Option[] {
  return [ALL, ...values.map((value) => ({ value, title: value }))]
}
