import Box from '@mui/material/Box'
import Card from '@mui/material/Card'
import Stack from '@mui/material/Stack'
import Typography from '@mui/material/Typography'
import { useId } from 'react'
import type { ForecastFigures } from '@/features/market-intel/api/forecast'
import { figuresOf } from '@/features/market-intel/backtest-figures'
import { sentence } from '@/features/market-intel/prose'
import { MODELS, titleOf } from '@/features/market-intel/words'

interface WhyCardProps {
  model: string
  why?: string | undefined
  intervals?: string | undefined
  told?: string | undefined
  metrics?: ForecastFigures | null | undefined
  unit: string
}

/** By which model a series is forecast, why, and how it did where the outcome is known. */
export function WhyCard({ model, why, intervals, told, metrics, unit }: WhyCardProps) {
  const heading = useId()
  return (
    <Card component="section" aria-labelledby={heading} sx={{ p: { xs: 2, sm: 2.5 } }}>
      <Stack spacing={2}>
        <Stack spacing={0.75}>
          <Typography variant="h2" id={heading}>
            Forecast by: {titleOf(MODELS, model)}
          </Typography>
          {why && <Typography sx={{ maxWidth: '80ch' }}>{sentence(why)}</Typography>}
          {intervals && <Quiet>The bands: {lowered(sentence(intervals))}</Quiet>}
          {told && <Quiet>{sentence(told)}</Quiet>}
        </Stack>
        {metrics ? <Backtest metrics={metrics} unit={unit} /> : <Quiet>No backtest is kept for it: the series may be too short to try a model on.</Quiet>}
      </Stack>
    </Card>
  )
}

/** The first letter small, within a sentence; abbreviations stay. */
const lowered = (text: string): string => (/^[A-Z][a-z]/.test(text) ? text.charAt(0).toLowerCase() + text.slice(1) : text)

function Quiet({ children }: { children: React.ReactNode }) {
  return (
    <Typography variant="body2" color="textSecondary" sx={{ maxWidth: '80ch' }}>
      {children}
    </Typography>
  )
}

function Backtest({ metrics, unit }: { metrics: ForecastFigures; unit: string }) {
  return (
    <Stack spacing={1}>
      <Typography variant="h3">How it did on periods it had not seen</Typography>
      <Box component="dl" sx={{ m: 0, display: 'grid', columnGap: 3, rowGap: 1.5, gridTemplateColumns: 'repeat(auto-fill, minmax(150px, 1fr))' }}>
        {figuresOf(metrics, unit).map(({ title, value, note }) => (
          <div key={title}>
            <Typography component="dt" variant="body2" color="textSecondary">
              {title}
            </Typography>
            <Typography component="dd" sx={{ m: 0, fontWeight: 600, fontVariantNumeric: 'tabular-nums' }}>
              {value}
            </Typography>
            {note && (
              <Typography component="dd" variant="caption" color="textSecondary" sx={{ m: 0, display: 'block', lineHeight: 1.4 }}>
                {note}
              </Typography>
            )}
          </div>
        ))}
      </Box>
    </Stack>
  )
}
