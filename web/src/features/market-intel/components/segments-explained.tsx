import Box from '@mui/material/Box'
import Typography from '@mui/material/Typography'
import { type Column, DataTable } from '@/components/data-table'
import type { Drivers, SegmentEffect } from '@/features/market-intel/api/drivers'
import { CsvButton } from '@/features/market-intel/components/csv-button'
import { Choice } from '@/features/market-intel/components/choice'
import { dimensionsOf, driverRows, SEGMENT_HEADER, segmentsOf, sumOf } from '@/features/market-intel/drivers'
import { capitalised, formatChange, formatFigure } from '@/features/market-intel/words'
import { fileNameOf } from '@/lib/file-name'

interface SegmentsExplainedProps {
  answer: Drivers
  dimension: string
  unit: string
  onDimension: (dimension: string) => void
}

const HERE = { error: undefined, isPending: false, isFetching: false, refetch: () => undefined }

/** The segments of one dimension that explain most of the change; together they are the change. */
export function SegmentsExplained({ answer, dimension, unit, onDimension }: SegmentsExplainedProps) {
  const dimensions = dimensionsOf(answer)
  const chosen = dimensions.includes(dimension) ? dimension : (dimensions.find((name) => segmentsOf(answer, name).length > 1) ?? dimensions[0] ?? '')
  const rows = segmentsOf(answer, chosen)
  return (
    <DataTable
      label="Segments that explain the change"
      columns={columns(chosen, unit)}
      rows={rows}
      rowKey={({ segment }) => segment}
      asked={HERE}
      empty="No part of the business changed."
      toolbar={
        <>
          <Typography variant="h2" sx={{ flex: '1 1 100%' }}>
            Which parts explain it
          </Typography>
          {dimensions.length > 0 && <Choice label="By" value={chosen} options={dimensions.map((value) => ({ value, title: capitalised(value) }))} onChange={onDimension} />}
          <Typography variant="body2" color="textSecondary">
            Together {formatChange(sumOf(rows), unit)}
          </Typography>
          <Box sx={{ ml: 'auto' }}>
            <CsvButton name={`${fileNameOf('drivers', answer.metric, answer.from, answer.to)}.csv`} header={SEGMENT_HEADER} rows={() => driverRows(answer)} />
          </Box>
        </>
      }
      minWidth={960}
    />
  )
}

const columns = (dimension: string, unit: string): Column<SegmentEffect>[] => {
  const figure = (title: string, cell: (row: SegmentEffect) => string): Column<SegmentEffect> => ({ title, cell, align: 'right', nowrap: true })
  return [
    { title: capitalised(dimension), heads: true, cell: ({ segment_name }) => segment_name },
    figure('Before', ({ before }) => formatFigure(before, unit)),
    figure('After', ({ after }) => formatFigure(after, unit)),
    figure('Part of the change', ({ contribution }) => formatChange(contribution, unit)),
    figure('Its own change', ({ change_pct }) => formatChange(change_pct, '%')),
    figure('By volume', ({ volume }) => formatChange(volume, unit)),
    figure('By mix', ({ mix }) => formatChange(mix, unit)),
    figure('By price', ({ price }) => formatChange(price, unit)),
  ]
}
