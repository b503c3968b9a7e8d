import Stack from '@mui/material/Stack'
import { useMemo } from 'react'
import { type Column, DataTable } from '@/components/data-table'
import { ExportMenu } from '@/components/export-menu'
import { type Outcome, outcomesPath, useOutcomes, useOutcomesAhead } from '@/features/market-intel/api/accuracy'
import type { Stored } from '@/features/market-intel/api/stored'
import { type Score, scoresOf } from '@/features/market-intel/accuracy'
import { periodsOf } from '@/features/market-intel/ask'
import { explained, percent, ratio, signed } from '@/features/market-intel/backtest-figures'
import { outcomeOption } from '@/features/market-intel/charts/outcome-option'
import { useChartColors } from '@/features/market-intel/charts/style'
import { Answered } from '@/features/market-intel/components/answered'
import { ChartCard } from '@/features/market-intel/components/chart-card'
import { Choice } from '@/features/market-intel/components/choice'
import { Section } from '@/features/market-intel/components/section'
import { Toolbar } from '@/features/market-intel/components/toolbar'
import { useView } from '@/features/market-intel/view'
import { formatFigure, formatPeriod, unitOf } from '@/features/market-intel/words'
import { fileNameOf } from '@/lib/file-name'
import { formatCount, formatDay } from '@/lib/format'

interface AccuracySectionProps {
  stored: Stored
  /** Last day of the data, `YYYY-MM-DD`. */
  through: string | undefined
}

const FIRST_VIEW = { ahead: '' }
const HERE = { error: undefined, isPending: false, isFetching: false, refetch: () => undefined }

/** What was forecast of a series before, held against what then came. */
export function AccuracySection({ stored, through }: AccuracySectionProps) {
  const asked = useOutcomes(stored)
  const scores = useMemo(() => scoresOf(asked.data ?? []), [asked.data])
  return (
    <Section title="How past forecasts did" detail="Forecasts that were shown, held against what then came. They are not changed afterwards.">
      <Answered
        asked={asked}
        what="past forecasts"
        height={200}
        isEmpty={() => scores.length === 0}
        empty={`No period that was forecast is over yet${through ? `: the data end on ${formatDay(through)}` : ''}. With newer data and the next run of the pipeline, what came stands here beside what was forecast.`}
      >
        {() => <Scores stored={stored} scores={scores} />}
      </Answered>
    </Section>
  )
}

function Scores({ stored, scores }: { stored: Stored; scores: readonly Score[] }) {
  const [view, change] = useView(FIRST_VIEW)
  const chosen = scores.find(({ horizon }) => String(horizon) === view.ahead) ?? scores[0]
  const asked = useOutcomesAhead(stored, chosen?.horizon)
  const periods = periodsOf(stored.frequency)
  return (
    <Stack spacing={2}>
      <Toolbar label="Which past forecasts" end={<ExportMenu path={outcomesPath(stored)} name={fileNameOf('past-forecasts', stored.metric, stored.frequency, stored.level, stored.level === 'total' ? '' : stored.series_id)} disabled={false} />}>
        <Choice label={`${periods.charAt(0).toUpperCase()}${periods.slice(1)} ahead`} value={String(chosen?.horizon ?? '')} options={scores.map(({ horizon }) => ({ value: String(horizon), title: formatCount(horizon) }))} onChange={(ahead) => change({ ahead })} width={140} />
      </Toolbar>
      <Answered asked={asked} what="what came" height={320}>
        {(outcomes) => <OutcomeChart outcomes={outcomes} frequency={stored.frequency} unit={unitOf(stored.metric)} ahead={`${formatCount(chosen?.horizon ?? 0)} ${periods}`} />}
      </Answered>
      <DataTable label="Past forecasts by distance" columns={explained(columns(periods))} rows={scores} rowKey={({ horizon }) => String(horizon)} asked={HERE} empty="" minWidth={640} />
    </Stack>
  )
}

interface OutcomeChartProps {
  outcomes: readonly Outcome[]
  frequency: string
  unit: string
  ahead: string
}

function OutcomeChart({ outcomes, frequency, unit, ahead }: OutcomeChartProps) {
  const colors = useChartColors()
  const option = useMemo(() => outcomeOption(outcomes, frequency, unit, colors), [outcomes, frequency, unit, colors])
  const figures = ({ actual, median, lower_80, upper_80 }: Outcome) => [actual, median, lower_80, upper_80].map((value) => formatFigure(value, unit))
  return (
    <ChartCard
      title="What came, and what was forecast"
      label={`Line chart of ${outcomes.length} forecasts made ${ahead} before, and what came.`}
      option={option}
      height={300}
      keys={[
        { color: colors.text, text: 'What came' },
        { color: colors.main, text: `Forecast ${ahead} ahead` },
        { color: colors.main, text: '80 % band', opacity: 0.45 },
      ]}
      numbers={{ header: ['Period', 'What came', 'Forecast', 'Lower 80 %', 'Upper 80 %', 'Made on'], rows: outcomes.map((row) => [formatPeriod(row.ds, frequency), ...figures(row), formatDay(row.made_on)]) }}
    />
  )
}

const columns = (periods: string): Column<Score>[] => [
  { title: `${periods.charAt(0).toUpperCase()}${periods.slice(1)} ahead`, heads: true, cell: ({ horizon }) => formatCount(horizon) },
  { title: 'Forecasts', align: 'right', cell: ({ forecasts }) => formatCount(forecasts) },
  { title: 'MASE', align: 'right', cell: ({ mase }) => ratio(mase) },
  { title: 'Bias', align: 'right', cell: ({ bias_pct }) => signed(bias_pct) },
  { title: 'In 80 % band', align: 'right', cell: ({ coverage_80_pct }) => percent(coverage_80_pct) },
  { title: 'In 95 % band', align: 'right', cell: ({ coverage_95_pct }) => percent(coverage_95_pct) },
]
