import Stack from '@mui/material/Stack'
import { useSearchParams } from 'react-router'
import { PageHeader } from '@/components/page-header'
import { ConcentrationSection } from '@/features/market-intel/components/concentration-section'
import { DayField } from '@/features/market-intel/components/day-field'
import { MarginsSection } from '@/features/market-intel/components/margins-section'
import { RevenueSection } from '@/features/market-intel/components/revenue-section'
import { SliceFields } from '@/features/market-intel/components/slice-fields'
import { Toolbar } from '@/features/market-intel/components/toolbar'
import { useView } from '@/features/market-intel/view'

const FIRST_SLICE = { from: '', to: '', channel: '', region: '', country: '', currency: '' }

/** Where revenue comes from, what is left of it, and how concentrated it is. */
export function RevenuePage() {
  const [slice, change] = useView(FIRST_SLICE)
  const [, setParameters] = useSearchParams()
  // What was refused may be how it was cut, or what it was cut from.
  const reset = () => setParameters({}, { flushSync: true, preventScrollReset: true })
  return (
    <Stack spacing={4}>
      <Stack spacing={3}>
        <PageHeader title="Revenue" detail="By period and any two dimensions; what is left after costs; and how much of it a few bring." />
        <Toolbar label="Which revenue">
          <DayField label="From" value={slice.from} onChange={(from) => change({ from })} />
          <DayField label="To" value={slice.to} onChange={(to) => change({ to })} wrong={slice.from && slice.to && slice.to < slice.from ? 'Before the first day' : undefined} />
          <SliceFields slice={slice} onChange={change} />
        </Toolbar>
      </Stack>
      <RevenueSection slice={slice} onReset={reset} />
      <MarginsSection slice={slice} onReset={reset} />
      <ConcentrationSection slice={slice} onReset={reset} />
    </Stack>
  )
}
