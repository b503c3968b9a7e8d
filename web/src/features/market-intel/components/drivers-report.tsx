import Alert from '@mui/material/Alert'
import Stack from '@mui/material/Stack'
import { useTheme } from '@mui/material/styles'
import Typography from '@mui/material/Typography'
import useMediaQuery from '@mui/material/useMediaQuery'
import { useMemo } from 'react'
import { LineageLine } from '@/components/lineage-line'
import type { Drivers } from '@/features/market-intel/api/drivers'
import { useChartColors } from '@/features/market-intel/charts/style'
import { floorOf, lyingHeight, waterfallOption } from '@/features/market-intel/charts/waterfall-option'
import { ChartCard } from '@/features/market-intel/components/chart-card'
import { Degraded } from '@/features/market-intel/components/answered'
import { Figures } from '@/components/figures'
import { SegmentsExplained } from '@/features/market-intel/components/segments-explained'
import { span, waterfallNumbers, waterfallOf } from '@/features/market-intel/drivers'
import { sentence } from '@/features/market-intel/prose'
import { formatChange, formatFigure } from '@/features/market-intel/words'

interface DriversReportProps {
  answer: Drivers
  dimension: string
  onDimension: (dimension: string) => void
}

/** The change in words and figures, its waterfall, and the segments that explain it. */
export function DriversReport({ answer, dimension, onDimension }: DriversReportProps) {
  const colors = useChartColors()
  const unit = answer.metric === 'revenue' ? answer.unit : ''
  const steps = useMemo(() => waterfallOf(answer), [answer])
  const narrow = useMediaQuery(useTheme().breakpoints.down('md'))
  const option = useMemo(() => waterfallOption(steps, unit, colors, narrow), [steps, unit, colors, narrow])
  const floor = floorOf(steps)
  const percent = typeof answer.change_pct === 'number' ? formatChange(answer.change_pct, '%') : undefined
  return (
    <Stack spacing={3}>
      <Degraded lineage={answer.lineage ?? undefined} />
      <Figures
        label="The change"
        figures={[
          { title: 'Before', value: formatFigure(answer.total_before, unit), note: span(answer.before_from ?? '', answer.before_to ?? '') },
          { title: 'After', value: formatFigure(answer.total_after, unit), note: span(answer.from ?? '', answer.to ?? '') },
          { title: 'Change', value: formatChange(answer.change, unit), note: percent },
        ]}
      />
      <Said lines={(answer.summary ?? []).map(sentence)} />
      {answer.notes?.map((note) => (
        <Alert key={note} severity="info" variant="outlined" sx={{ bgcolor: 'background.paper' }}>
          {sentence(note)}
        </Alert>
      ))}
      <ChartCard
        title="What drove the change"
        label={`Waterfall from ${formatFigure(answer.total_before, unit)} to ${formatFigure(answer.total_after, unit)}: ${steps.filter(({ total }) => !total).map(({ title, from, to }) => `${title} ${formatChange(to - from, unit)}`).join(', ')}.`}
        option={option}
        height={narrow ? lyingHeight(steps) : 340}
        keys={[
          { color: colors.good, text: 'Adds' },
          { color: colors.bad, text: 'Takes away' },
        ]}
        note={floor > 0 ? `The axis begins at ${formatFigure(floor, unit)}, so that the changes can be seen.` : undefined}
        numbers={waterfallNumbers(answer, unit)}
      />
      <SegmentsExplained answer={answer} dimension={dimension} unit={unit} onDimension={onDimension} />
      {answer.lineage && <LineageLine lineage={answer.lineage} />}
    </Stack>
  )
}

function Said({ lines }: { lines: readonly string[] }) {
  return (
    <Stack spacing={0.5}>
      {lines.map((line) => (
        <Typography key={line} sx={{ maxWidth: '90ch' }}>
          {line}
        </Typography>
      ))}
    </Stack>
  )
}
