import Box from '@mui/material/Box'
import Card from '@mui/material/Card'
import Stack from '@mui/material/Stack'
import Typography from '@mui/material/Typography'
import { useId } from 'react'
import { type Column, DataTable } from '@/components/data-table'
import { LineageLine } from '@/components/lineage-line'
import { ToneChip } from '@/components/tone-chip'
import type { CompareAnswer, ModelScore } from '@/features/market-intel/api/forecast'
import { explained, percent, ratio, signed } from '@/features/market-intel/backtest-figures'
import { CsvButton } from '@/features/market-intel/components/csv-button'
import { AUTO, BASELINE, betterThanBaseline, choiceOf, ranked } from '@/features/market-intel/league'
import { sentence } from '@/features/market-intel/prose'
import { formatFigure, MODELS, titleOf } from '@/features/market-intel/words'
import { formatCount } from '@/lib/format'

const HERE = { error: undefined, isPending: false, isFetching: false, refetch: () => undefined }

/** The models by MASE, the baseline and the choice marked. */
export function LeagueTable({ answer, unit }: { answer: CompareAnswer; unit: string }) {
  const models = ranked(answer.models ?? [])
  return (
    <Stack component="section" aria-label="Result" spacing={3}>
      <Verdict answer={answer} models={models} />
      <DataTable
        label="Model league"
        columns={explained(columns(choiceOf(answer.chosen, models), unit))}
        rows={models}
        rowKey={({ model }) => model}
        asked={HERE}
        empty="No model could be tried on this series."
        toolbar={
          <Box sx={{ ml: 'auto' }}>
            <CsvButton name="model-league.csv" header={CSV_HEADER} rows={() => models.map(csvRow)} />
          </Box>
        }
        minWidth={1240}
      />
      {answer.lineage && <LineageLine lineage={answer.lineage} />}
    </Stack>
  )
}

function Verdict({ answer, models }: { answer: CompareAnswer; models: readonly ModelScore[] }) {
  const heading = useId()
  const against = betterThanBaseline(models)
  const choice = choiceOf(answer.chosen, models)
  return (
    <Card component="section" aria-labelledby={heading} sx={{ p: { xs: 2, sm: 2.5 } }}>
      <Typography variant="h2" id={heading} sx={{ mb: 0.75 }}>
        {choice ? `The automatic choice: ${choice === AUTO ? 'a combination' : titleOf(MODELS, choice)}` : 'No model was chosen'}
      </Typography>
      {answer.why && <Typography sx={{ maxWidth: '80ch' }}>{sentence(answer.why)}</Typography>}
      <Typography variant="body2" color="textSecondary" sx={{ mt: 0.75 }}>
        {formatCount(answer.series_count ?? 0)} series, {formatCount(answer.origins ?? 0)} origins, {formatCount(answer.horizon ?? 0)} periods ahead.{' '}
        {against && `${against.better} of ${against.tried} models err less than the seasonal naive forecast.`}
      </Typography>
      {answer.notes?.map((note) => (
        <Typography key={note} variant="body2" color="textSecondary" sx={{ mt: 0.5 }}>
          {sentence(note)}
        </Typography>
      ))}
    </Card>
  )
}

const columns = (chosen: string, unit: string): Column<ModelScore>[] => [
  { title: 'Model', heads: true, cell: (score) => <Model score={score} chosen={chosen} /> },
  figure('MASE', ({ metrics }) => ratio(metrics?.mase)),
  figure('MAE', ({ metrics }) => formatFigure(metrics?.mae, unit)),
  figure('RMSE', ({ metrics }) => formatFigure(metrics?.rmse, unit)),
  figure('MAPE', ({ metrics }) => percent(metrics?.mape)),
  figure('sMAPE', ({ metrics }) => percent(metrics?.smape)),
  figure('R²', ({ metrics }) => ratio(metrics?.r2)),
  figure('Quantile loss', ({ metrics }) => formatFigure(metrics?.pinball, unit)),
  figure('In 80 % band', ({ metrics }) => percent(metrics?.coverage_80_pct)),
  figure('In 95 % band', ({ metrics }) => percent(metrics?.coverage_95_pct)),
  figure('Bias', ({ metrics }) => signed(metrics?.bias_pct)),
  figure('Worse than naive', ({ worse_than_naive_pct }) => percent(worse_than_naive_pct)),
  figure('Took', ({ seconds }) => `${(seconds ?? 0).toFixed(2)} s`),
]

function figure(title: string, cell: (score: ModelScore) => string): Column<ModelScore> {
  return { title, cell, align: 'right', nowrap: true }
}

function Model({ score, chosen }: { score: ModelScore; chosen: string }) {
  return (
    <>
      <Box component="span" sx={{ display: 'inline-flex', flexWrap: 'wrap', gap: 1, alignItems: 'center' }}>
        {score.title || titleOf(MODELS, score.model)}
        {score.model === chosen && <ToneChip tone="success" label="Chosen" />}
        {score.model === BASELINE && <ToneChip tone="neutral" label="Baseline" />}
      </Box>
      {score.note && (
        <Typography variant="body2" color="textSecondary">
          {sentence(score.note)}
        </Typography>
      )}
    </>
  )
}

const CSV_HEADER = ['model', 'mase', 'mae', 'rmse', 'mape', 'smape', 'r2', 'pinball', 'coverage_80_pct', 'coverage_95_pct', 'bias_pct', 'worse_than_naive_pct', 'seconds', 'note'] as const

function csvRow({ model, metrics, worse_than_naive_pct, seconds, note }: ModelScore): (string | number)[] {
  const { mase, mae, rmse, mape, smape, r2, pinball, coverage_80_pct, coverage_95_pct, bias_pct } = metrics ?? {}
  return [model, ...[mase, mae, rmse, mape, smape, r2, pinball, coverage_80_pct, coverage_95_pct, bias_pct, worse_than_naive_pct, seconds].map((value) => value ?? ''), note ?? '']
}
