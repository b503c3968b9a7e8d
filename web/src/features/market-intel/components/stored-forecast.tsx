import Alert from '@mui/material/Alert'
import Box from '@mui/material/Box'
import Button from '@mui/material/Button'
import Stack from '@mui/material/Stack'
import { useMemo } from 'react'
import { Link } from 'react-router'
import type { ForecastPoint } from '@/features/market-intel/api/forecast'
import { type Stored, type StoredForecasts, type Tried, useTried } from '@/features/market-intel/api/stored'
import { askPath } from '@/features/market-intel/ask'
import { ForecastChart } from '@/features/market-intel/components/forecast-chart'
import { TriedTable } from '@/features/market-intel/components/tried-table'
import { WhyCard } from '@/features/market-intel/components/why-card'
import { useHistory } from '@/features/market-intel/history'
import { aheadOf } from '@/features/market-intel/result'
import { LEVELS, METRICS, titleOf, unitOf } from '@/features/market-intel/words'
import { useMay } from '@/lib/context'

type Row = ForecastPoint & { chosen_model?: string }

/** One series of the pipeline's forecasts: what was, what is expected, by which model and why. */
export function StoredForecast({ answer, stored, name }: { answer: StoredForecasts; stored: Stored; name: string }) {
  const mayRun = useMay('market_intel:run')
  const rows = answer.items as Row[]
  const ahead = useMemo(() => rows.map(aheadOf), [rows])
  const { history, told } = useHistory(stored, ahead[0]?.ds)
  const tried = useTried(stored)
  const chosen = tried.data?.find((model) => model.chosen)
  const unit = unitOf(stored.metric)
  const part = stored.level === 'total' ? titleOf(LEVELS, 'total').toLowerCase() : `${titleOf(LEVELS, stored.level).toLowerCase()} ${name}`
  return (
    <Stack spacing={3}>
      <ForecastChart title={`${titleOf(METRICS, stored.metric)}, ${part}`} history={history} ahead={ahead} frequency={stored.frequency} unit={unit} />
      {!told && (
        <Alert severity="info" variant="outlined" sx={{ bgcolor: 'background.paper' }}>
          What single products sold is kept by month. Choose monthly periods to see it beside the forecast{mayRun && ', or ask for this forecast anew'}.
        </Alert>
      )}
      {mayRun && (
        <Box>
          <Button component={Link} to={askPath(stored)} variant="outlined" color="inherit" sx={{ bgcolor: 'background.paper', borderColor: 'divider' }}>
            Ask for it anew, with its parts
          </Button>
        </Box>
      )}
      <WhyCard model={chosen?.model ?? rows[0]?.chosen_model ?? ''} why={chosen?.why ?? undefined} intervals={chosen?.intervals ?? undefined} metrics={chosen} unit={unit} />
      {(tried.data?.length ?? 0) > 1 && <TriedTable tried={tried.data as Tried[]} unit={unit} />}
    </Stack>
  )
}
