import Box from '@mui/material/Box'
import Card from '@mui/material/Card'
import Stack from '@mui/material/Stack'
import Typography from '@mui/material/Typography'
import { useId, useMemo } from 'react'
import { ExportMenu } from '@/components/export-menu'
import { LineageLine } from '@/components/lineage-line'
import { PageHeader } from '@/components/page-header'
import { type Correlations, correlationsPath, type Pair, useCorrelations } from '@/features/market-intel/api/correlations'
import { useParts } from '@/features/market-intel/api/parts'
import { ratio } from '@/features/market-intel/backtest-figures'
import { Answered, Degraded } from '@/features/market-intel/components/answered'
import { AnswerTable } from '@/features/market-intel/components/answer-table'
import { Choice } from '@/features/market-intel/components/choice'
import { DayField } from '@/features/market-intel/components/day-field'
import { HeatMapTable } from '@/features/market-intel/components/heat-map-table'
import { Toolbar } from '@/features/market-intel/components/toolbar'
import { heatMapOf, titlesOf } from '@/features/market-intel/heat-map'
import type { Titles } from '@/features/market-intel/named'
import { sentence } from '@/features/market-intel/prose'
import { useView } from '@/features/market-intel/view'
import { capitalised } from '@/features/market-intel/words'
import { fileNameOf } from '@/lib/file-name'
import { formatCount } from '@/lib/format'

const GRAINS = ['day', 'week', 'month'].map((value) => ({ value, title: capitalised(value) }))
const DIMENSIONS = ['department', 'category', 'region', 'country', 'channel', 'payment_method', 'device'].map((value) => ({ value, title: capitalised(value) }))
const ITSELF = { value: '', title: 'One another' }
const FIRST_VIEW = { by: 'department', and: '', grain: 'week', from: '', to: '', currency: '' }

/** Which parts of the business move together, as a heat map and as a table. */
export function CorrelationsPage() {
  const [view, change] = useView(FIRST_VIEW)
  const currencies = useParts().currencies
  const { grain, from, to, currency } = view
  const question = { by: [view.by, view.and].filter(Boolean), grain, from, to, currency }
  const asked = useCorrelations(question)
  return (
    <Stack spacing={3}>
      <PageHeader title="What moves together" detail="How the revenue of two parts of the business changes from period to period: 1 is always the same way, –1 always the other way, 0 no common movement." />
      <Toolbar label="What is compared" end={<ExportMenu path={correlationsPath(question)} name={fileNameOf('correlations', view.by, view.and, grain, from, to)} disabled={!asked.data?.items.length} />}>
        <Choice label="Each" value={view.by} options={DIMENSIONS} onChange={(by) => change({ by, ...(by === view.and && { and: '' }) })} width={160} />
        <Choice label="Against" value={view.and} options={[ITSELF, ...DIMENSIONS.filter(({ value }) => value !== view.by)]} onChange={(and) => change({ and })} width={160} />
        <Choice label="Changes by" value={grain} options={GRAINS} onChange={(next) => change({ grain: next })} width={130} />
        <DayField label="From" value={from} onChange={(day) => change({ from: day })} />
        <DayField label="To" value={to} onChange={(day) => change({ to: day })} />
        {(currencies.length > 1 || currency) && <Choice label="Currency" value={currency} options={[{ value: '', title: 'All' }, ...currencies.map((value) => ({ value, title: value }))]} onChange={(next) => change({ currency: next })} width={120} />}
      </Toolbar>
      <Answered
        asked={asked}
        what="the correlations"
        height={480}
        isEmpty={({ items }) => items.length === 0}
        empty="There are no two parts to compare here. Choose another dimension, or a longer time."
        onReset={() => change(FIRST_VIEW)}
      >
        {(answer) => <Found answer={answer} square={view.and === ''} asked={asked} />}
      </Answered>
    </Stack>
  )
}

function Found({ answer, square, asked }: { answer: Correlations; square: boolean; asked: ReturnType<typeof useCorrelations> }) {
  const heading = useId()
  const pairs = answer.items as unknown as Pair[]
  const map = useMemo(() => heatMapOf(pairs, square), [pairs, square])
  const [titles, others] = useMemo(() => titlesOf(pairs, square), [pairs, square])
  const sure = pairs.filter(({ is_significant }) => is_significant).length
  return (
    <Stack spacing={2}>
      <Degraded lineage={answer.lineage} />
      <Card component="section" aria-labelledby={heading} sx={{ p: { xs: 2, sm: 2.5 }, minWidth: 0 }}>
        <Box sx={{ display: 'flex', flexWrap: 'wrap', justifyContent: 'space-between', columnGap: 2, rowGap: 1, mb: 1.5 }}>
          <Typography variant="h2" id={heading}>
            The map
          </Typography>
          <Scale />
        </Box>
        <HeatMapTable label="Correlations" map={map} />
        <Typography variant="body2" color="textSecondary" sx={{ mt: 1.5, maxWidth: '90ch' }}>
          {sure === 0 ? 'None' : formatCount(sure)} of {formatCount(answer.total_size ?? pairs.length)} pairs move together more than chance would have it over {formatCount(answer.periods ?? 0)} periods; their figures are bold. {(answer.notes ?? []).map(sentence).join(' ')}
        </Typography>
      </Card>
      <AnswerTable
        label="Pairs, strongest first"
        answer={answer}
        keys={['value_a', 'value_b']}
        hidden={square ? ['dimension_a', 'dimension_b'] : []}
        cells={{
          value_a_name: (row) => titleIn(titles, row.value_a),
          value_b_name: (row) => titleIn(others, row.value_b),
          p_value: (row) => pText(row.p_value),
          pearson: (row) => ratioText(row.pearson),
          spearman: (row) => ratioText(row.spearman),
        }}
        asked={asked}
        empty=""
        minWidth={720}
      />
      {answer.lineage && <LineageLine lineage={answer.lineage} />}
    </Stack>
  )
}

/** What the colours say. */
function Scale() {
  const swatch = (color: string) => ({ width: 10, height: 10, borderRadius: '3px', bgcolor: `color-mix(in srgb, var(--si-palette-${color}-main) 45%, transparent)` })
  return (
    <Box sx={{ display: 'flex', flexWrap: 'wrap', columnGap: 2, rowGap: 0.5 }}>
      {[
        ['primary', 'The same way'],
        ['secondary', 'The other way'],
      ].map(([color = '', text]) => (
        <Typography key={text} component="span" variant="body2" color="textSecondary" sx={{ display: 'flex', alignItems: 'center', gap: 0.75 }}>
          <Box component="span" sx={swatch(color)} />
          {text}
        </Typography>
      ))}
    </Box>
  )
}

const titleIn = (titles: Titles, value: unknown): string => titles.get(String(value)) ?? String(value)

const ratioText = (value: unknown): string => (typeof value === 'number' ? ratio(value) : '–')

/** A p-value as it is written: a very small one is not 0. */
function pText(value: unknown): string {
  if (typeof value !== 'number') return '–'
  return value < 0.001 ? '< 0.001' : value.toFixed(3)
}
