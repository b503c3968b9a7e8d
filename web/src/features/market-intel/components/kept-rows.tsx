import { type Column, DataTable } from '@/components/data-table'
import { type ForecastPoint, useKeptForecast } from '@/features/market-intel/api/forecast'
import { aheadOf, AHEAD_HEADER } from '@/features/market-intel/result'
import { formatFigure, formatPeriod } from '@/features/market-intel/words'
import { usePages } from '@/lib/use-pages'

/** The rows of a forecast that is too long for a chart, page by page. */
export function KeptRows({ id, frequency, unit }: { id: string; frequency: string; unit: string }) {
  const { token, pages } = usePages(id)
  const asked = useKeptForecast(id, token)
  const rows = (asked.data?.items ?? []) as ForecastPoint[]
  return (
    <DataTable
      label="Forecast rows"
      columns={columns(frequency, unit)}
      rows={rows}
      rowKey={(row) => `${row.series_id ?? ''} ${row.ds}`}
      asked={asked}
      empty="The forecast has no rows."
      pages={pages(asked.data && { ...asked.data, items: rows })}
      minWidth={900}
    />
  )
}

const columns = (frequency: string, unit: string): Column<ForecastPoint>[] => [
  { title: 'Series', heads: true, cell: ({ series_id }) => series_id ?? '–' },
  { title: AHEAD_HEADER[0], nowrap: true, cell: ({ ds }) => formatPeriod(ds, frequency) },
  ...(['mean', 'median', 'lower_80', 'upper_80', 'lower_95', 'upper_95'] as const).map(
    (name, index): Column<ForecastPoint> => ({ title: AHEAD_HEADER[index + 1] ?? name, align: 'right', nowrap: true, cell: (row) => formatFigure(aheadOf(row)[name], unit) }),
  ),
]
