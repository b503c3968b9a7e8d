import Alert from '@mui/material/Alert'
import Stack from '@mui/material/Stack'
import { useMemo } from 'react'
import type { ForecastPoint } from '@/features/market-intel/api/forecast'
import { type Stored, type StoredForecasts, type Tried, useTried } from '@/features/market-intel/api/stored'
import { ForecastChart } from '@/features/market-intel/components/forecast-chart'
import { TriedTable } from '@/features/market-intel/components/tried-table'
import { WhyCard } from '@/features/market-intel/components/why-card'
import { useHistory } from '@/features/market-intel/history'
import { aheadOf } from '@/features/market-intel/result'
import { LEVELS, METRICS, titleOf, unitOf } from '@/features/market-intel/words'

type Row = ForecastPoint & { chosen_model?: string }

/** One series of the pipeline's forecasts: what was, what is expected, by which model and why. */
export function StoredForecast({ answer, stored }: { answer: StoredForecasts; stored: Stored }) {
  const rows = answer.items as Row[]
  const ahead = useMemo(() => rows.map(aheadOf), [rows])
  const { history, told } = useHistory(stored, ahead[0]?.ds)
  const tried = useTried(stored)
  const chosen = tried.data?.find((model) => model.chosen)
  const unit = unitOf(stored.metric)
  const part = stored.level === 'total' ? titleOf(LEVELS, 'total') : `${titleOf(LEVELS, stored.level)} ${stored.series_id}`
  return (
    <Stack spacing={3}>
      <ForecastChart title={`${titleOf(METRICS, stored.metric)}, ${part}`} history={history} ahead={ahead} frequency={stored.frequency} unit={unit} />
      {!told && (
        <Alert severity="info" variant="outlined" sx={{ bgcolor: 'background.paper' }}>
          The history of single products is not shown here.
        </Alert>
      )}
      <WhyCard model={chosen?.model ?? rows[0]?.chosen_model ?? ''} why={chosen?.why ?? undefined} intervals={chosen?.intervals ?? undefined} metrics={chosen} unit={unit} />
      {(tried.data?.length ?? 0) > 1 && <TriedTable tried={tried.data as Tried[]} unit={unit} />}
    </Stack>
  )
}
