import type { Outcomes } from '@/features/market-intel/api/accuracy'

/** How forecasts made so far ahead did. */
export interface Score {
  horizon: number
  forecasts: number
  mase: number | undefined
  bias_pct: number | undefined
  coverage_80_pct: number
  coverage_95_pct: number
}

/** One score a distance, nearest first, of sums that are told apart by luck. */
export function scoresOf(sums: readonly Outcomes[]): Score[] {
  const horizons = [...new Set(sums.map(({ horizon }) => horizon))].sort((one, other) => one - other)
  return horizons.map((horizon) => scoreOf(horizon, sums.filter((row) => row.horizon === horizon)))
}

function scoreOf(horizon: number, rows: readonly Outcomes[]): Score {
  const total = (figure: (row: Outcomes) => number) => rows.reduce((sum, row) => sum + figure(row), 0)
  const forecasts = total((row) => row.rows)
  const actual = total((row) => row.actual ?? 0)
  const scaled = rows.every(({ scaled_error }) => typeof scaled_error === 'number')
  return {
    horizon,
    forecasts,
    mase: scaled ? total((row) => row.scaled_error ?? 0) / forecasts : undefined,
    bias_pct: actual === 0 ? undefined : (100 * total((row) => row.error ?? 0)) / actual,
    coverage_80_pct: (100 * total((row) => (row.within_80 ? row.rows : 0))) / forecasts,
    coverage_95_pct: (100 * total((row) => (row.within_95 ? row.rows : 0))) / forecasts,
  }
}
