import Box from '@mui/material/Box'
import Typography from '@mui/material/Typography'
import { type Column, DataTable } from '@/components/data-table'
import { ToneChip } from '@/components/tone-chip'
import type { Tried } from '@/features/market-intel/api/stored'
import { explained, isMissing, percent, ratio, signed } from '@/features/market-intel/backtest-figures'
import { CsvButton } from '@/features/market-intel/components/csv-button'
import { formatFigure, MODELS, titleOf } from '@/features/market-intel/words'

const HERE = { error: undefined, isPending: false, isFetching: false, refetch: () => undefined }

/** Every model that the pipeline tried on a series, least error first. */
export function TriedTable({ tried, unit }: { tried: readonly Tried[]; unit: string }) {
  const mase = (one: Tried) => (isMissing(one.mase) ? Number.POSITIVE_INFINITY : one.mase)
  const rows = [...tried].sort((one, other) => (mase(one) === mase(other) ? 0 : mase(one) - mase(other)))
  return <DataTable label="Models tried on this series" columns={explained(columns(unit))} rows={rows} rowKey={({ model }) => model} asked={HERE} empty="" toolbar={<TriedBar rows={rows} />} minWidth={860} />
}

function TriedBar({ rows }: { rows: readonly Tried[] }) {
  return (
    <>
      <Typography variant="h2">Models tried on this series</Typography>
      <Box sx={{ ml: 'auto' }}>
        <CsvButton name="models-tried.csv" header={HEADER} rows={() => rows.map((row) => HEADER.map((name) => row[name] ?? '').map((value) => (typeof value === 'boolean' ? String(value) : value)))} />
      </Box>
    </>
  )
}

const HEADER = ['model', 'chosen', 'mase', 'mae', 'rmse', 'mape', 'smape', 'r2', 'bias_pct', 'coverage_80_pct', 'coverage_95_pct', 'intervals', 'why'] as const

const columns = (unit: string): Column<Tried>[] => [
  {
    title: 'Model',
    heads: true,
    cell: ({ model, chosen }) => (
      <>
        {titleOf(MODELS, model)} {chosen && <ToneChip tone="success" label="Chosen" />}
      </>
    ),
  },
  { title: 'MASE', align: 'right', cell: ({ mase }) => ratio(mase) },
  { title: 'MAE', align: 'right', nowrap: true, cell: ({ mae }) => formatFigure(mae, unit) },
  { title: 'sMAPE', align: 'right', cell: ({ smape }) => percent(smape) },
  { title: 'In 80 % band', align: 'right', cell: ({ coverage_80_pct }) => percent(coverage_80_pct) },
  { title: 'In 95 % band', align: 'right', cell: ({ coverage_95_pct }) => percent(coverage_95_pct) },
  { title: 'Bias', align: 'right', cell: ({ bias_pct }) => signed(bias_pct) },
]
