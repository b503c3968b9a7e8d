import Stack from '@mui/material/Stack'
import { ExportMenu } from '@/components/export-menu'
import { LineageLine } from '@/components/lineage-line'
import { trendsPath, useTrends } from '@/features/market-intel/api/trends'
import { Answered, Degraded } from '@/features/market-intel/components/answered'
import { Choice } from '@/features/market-intel/components/choice'
import { Toolbar } from '@/features/market-intel/components/toolbar'
import { TrendChart } from '@/features/market-intel/components/trend-chart'
import { useAnswered } from '@/features/market-intel/use-answered'
import { useView } from '@/features/market-intel/view'
import { FREQUENCIES, METRICS } from '@/features/market-intel/words'
import { fileNameOf } from '@/lib/file-name'

const TREND_METRICS = [...METRICS, { value: 'aov', title: 'Average order value' }, { value: 'active_customers', title: 'Active customers' }]
const FIRST_VIEW = { metric: 'revenue', frequency: 'week', region: '' }

/** A metric over time: its moving average, growth, direction, and the periods that are out of line. */
export function TrendSection() {
  const [view, change] = useView(FIRST_VIEW)
  const question = { ...view, from: '' }
  const asked = useTrends(question)
  const shown = useAnswered(view, asked.isPlaceholderData)
  const regions = asked.data?.regions ?? []
  return (
    <Stack spacing={2} component="section" aria-label="Trend">
      <Toolbar label="Which trend" end={<ExportMenu path={trendsPath(question)} name={fileNameOf('trend', view.metric, view.frequency, view.region)} disabled={!asked.data?.items.length} />}>
        <Choice label="Metric" value={view.metric} options={TREND_METRICS} onChange={(metric) => change({ metric })} />
        <Choice label="Periods" value={view.frequency} options={FREQUENCIES} onChange={(frequency) => change({ frequency })} width={140} />
        {regions.length > 1 && (
          <Choice label="Region" value={view.region || asked.data?.region || ''} options={regions.map((value) => ({ value, title: value === 'all' ? 'All regions' : value }))} onChange={(region) => change({ region })} />
        )}
      </Toolbar>
      <Answered asked={asked} what="the trend" height={400} isEmpty={({ items }) => items.length === 0} empty="There are no periods to show for this choice." onReset={() => change(FIRST_VIEW)}>
        {(answer) => (
          <Stack spacing={2}>
            <Degraded lineage={answer.lineage} />
            <TrendChart answer={answer} frequency={shown.frequency} metric={shown.metric} />
            {answer.lineage && <LineageLine lineage={answer.lineage} />}
          </Stack>
        )}
      </Answered>
    </Stack>
  )
}
