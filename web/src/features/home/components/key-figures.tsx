import Skeleton from '@mui/material/Skeleton'
import Stack from '@mui/material/Stack'
import Typography from '@mui/material/Typography'
import { Figures } from '@/components/figures'
import type { Lineage } from '@/components/lineage-line'
import { ProblemNotice } from '@/components/problem-notice'
import { type Tile, useFigures } from '@/features/home/api/get-figures'
import { formatCount, formatDay, formatMoney, formatPercent } from '@/lib/format'
import { problemFromError } from '@/lib/problem'

/** How the business stands, in a row of figures, and through which day. */
export function KeyFigures() {
  const asked = useFigures()
  if (asked.error) return <ProblemNotice problem={problemFromError(asked.error)} onRetry={() => void asked.refetch()} busy={asked.isFetching} />
  if (!asked.data) return <Skeleton variant="rounded" height={104} role="status" aria-label="Loading the figures" />
  const tiles = asked.data.systems.flatMap((system) => system.tiles)
  const through = asked.data.systems.flatMap(({ lineage }) => (lineage as Partial<Lineage> | undefined)?.data_through_on ?? []).sort()[0]
  if (tiles.length === 0) return null
  return (
    <Stack spacing={1.5}>
      <Figures label="Key figures" figures={tiles.map((tile) => ({ title: tile.title, value: valueOf(tile), note: changeOf(tile) }))} />
      {through && (
        <Typography variant="body2" color="textSecondary">
          Data through {formatDay(through)}.
        </Typography>
      )}
    </Stack>
  )
}

function valueOf({ value, unit }: Tile): string {
  if (typeof value !== 'number') return '–'
  if (unit === 'USD') return formatMoney(value)
  if (unit === '%') return formatPercent(value)
  return [formatCount(value), unit].filter(Boolean).join(' ')
}

function changeOf({ change_pct }: Tile): string | undefined {
  if (typeof change_pct !== 'number') return undefined
  return `${change_pct > 0 ? '+' : ''}${formatPercent(change_pct)} against the period before`
}
