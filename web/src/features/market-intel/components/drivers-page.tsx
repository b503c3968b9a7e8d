import Stack from '@mui/material/Stack'
import { PageHeader } from '@/components/page-header'
import { useDrivers } from '@/features/market-intel/api/drivers'
import { Answered } from '@/features/market-intel/components/answered'
import { Choice } from '@/features/market-intel/components/choice'
import { DayField } from '@/features/market-intel/components/day-field'
import { DriversReport } from '@/features/market-intel/components/drivers-report'
import { SliceFields } from '@/features/market-intel/components/slice-fields'
import { Toolbar } from '@/features/market-intel/components/toolbar'
import { useView } from '@/features/market-intel/view'
import { METRICS } from '@/features/market-intel/words'
import { problemFromError } from '@/lib/problem'

const FIRST_VIEW = { metric: 'revenue', from: '', to: '', before_from: '', before_to: '', channel: '', region: '', country: '', currency: '', dimension: '' }

/** Why a metric moved between two periods: what drove it, and where. */
export function DriversPage() {
  const [{ dimension, ...view }, change] = useView(FIRST_VIEW)
  const asked = useDrivers(view)
  const problem = asked.error ? problemFromError(asked.error) : undefined
  const answered = asked.data
  return (
    <Stack spacing={3}>
      <PageHeader title="Why it moved" detail="Two periods compared: what drove the change, and which parts of the business explain it. The parts add up to the change, to the cent." />
      <Toolbar label="What is compared">
        <Choice label="Metric" value={view.metric} options={METRICS} onChange={(metric) => change({ metric })} width={140} />
        <SliceFields slice={view} onChange={change} />
      </Toolbar>
      <Toolbar label="The period, and the one it is compared with">
        <DayField label="From" value={view.from || (answered?.from ?? '')} onChange={(from) => change({ from })} wrong={problem?.field('from')} />
        <DayField label="To" value={view.to || (answered?.to ?? '')} onChange={(to) => change({ to })} wrong={problem?.field('to')} />
        <DayField label="Compared with, from" value={view.before_from || (answered?.before_from ?? '')} onChange={(before_from) => change({ before_from })} wrong={problem?.field('before_from')} />
        <DayField label="Compared with, to" value={view.before_to || (answered?.before_to ?? '')} onChange={(before_to) => change({ before_to })} wrong={problem?.field('before_to')} />
      </Toolbar>
      <Answered asked={asked} what="the reasons" height={520} onReset={() => change(FIRST_VIEW)}>
        {(answer) => <DriversReport answer={answer} dimension={dimension} onDimension={(next) => change({ dimension: next })} />}
      </Answered>
    </Stack>
  )
}
