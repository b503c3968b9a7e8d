import { useTheme } from '@mui/material/styles'
import useMediaQuery from '@mui/material/useMediaQuery'
import { useMemo } from 'react'
import { periodsOf } from '@/features/market-intel/ask'
import { type Actual, type Ahead, forecastOption } from '@/features/market-intel/charts/forecast-option'
import { useChartColors } from '@/features/market-intel/charts/style'
import { ChartCard } from '@/features/market-intel/components/chart-card'
import { aheadNumbers } from '@/features/market-intel/result'
import { formatFigure, formatPeriod } from '@/features/market-intel/words'
import { formatCount } from '@/lib/format'

interface ForecastChartProps {
  title: string
  history: readonly Actual[]
  ahead: readonly Ahead[]
  frequency: string
  unit: string
}

/** Periods shown on a narrow screen; all of them are in the numbers. */
const NARROW_PAST = 14
const NARROW_AHEAD = 35
/** Periods of the past that are shown elsewhere, however short the forecast. */
const LEAST_PAST = 60

/** What was and what is expected, with the bands of 80 % and 95 %. */
export function ForecastChart({ title, history, ahead, frequency, unit }: ForecastChartProps) {
  const colors = useChartColors()
  const narrow = useMediaQuery(useTheme().breakpoints.down('sm'))
  // A long past would leave the forecast too little room.
  const past = useMemo(() => history.slice(narrow ? -NARROW_PAST : -Math.max(LEAST_PAST, 3 * ahead.length)), [narrow, history, ahead.length])
  const future = useMemo(() => (narrow ? ahead.slice(0, NARROW_AHEAD) : ahead), [narrow, ahead])
  const option = useMemo(() => forecastOption({ history: past, ahead: future, frequency, unit }, colors), [past, future, frequency, unit, colors])
  const keys = [
    ...(history.length > 0 ? [{ color: colors.text, text: 'What was' }] : []),
    { color: colors.main, text: 'Expected' },
    { color: colors.main, text: '80 % band', opacity: 0.45 },
    { color: colors.main, text: '95 % band', opacity: 0.2 },
  ]
  return <ChartCard title={title} label={said(ahead, frequency, unit)} option={option} height={340} keys={keys} note={[together(ahead, frequency, unit), future.length < ahead.length && `Drawn are the first ${future.length} periods; all of them are in the numbers.`].filter(Boolean).join(' ') || undefined} numbers={aheadNumbers(ahead, frequency, unit)} />
}

/** What is expected over the whole horizon: means add up, the ends of bands do not. */
function together(ahead: readonly Ahead[], frequency: string, unit: string): string {
  const sum = ahead.reduce((total, { mean }) => total + mean, 0)
  return ahead.length > 1 && Number.isFinite(sum) ? `Expected over the ${formatCount(ahead.length)} ${periodsOf(frequency)} together: ${formatFigure(unit ? sum : Math.round(sum), unit)}.` : ''
}

function said(ahead: readonly Ahead[], frequency: string, unit: string): string {
  const [first, last] = [ahead[0], ahead.at(-1)]
  if (!first || !last) return 'Line chart of the history.'
  const at = (row: Ahead) => `${formatFigure(row.median, unit)} (${formatPeriod(row.ds, frequency)})`
  return `Line chart: the forecast goes from ${at(first)} to ${at(last)}; at the end the 80 % band reaches from ${formatFigure(last.lower_80, unit)} to ${formatFigure(last.upper_80, unit)}.`
}
