import Box from '@mui/material/Box'
import Card from '@mui/material/Card'
import Typography from '@mui/material/Typography'
import type { SharedRow } from '@/features/segments/table-rows'
import { formatCompactMoney, formatCount, formatMoney, formatPercent } from '@/lib/format'

/** The answer in four figures. */
export function SummaryTiles({ rows }: { rows: readonly SharedRow[] }) {
  const customers = rows.reduce((sum, row) => sum + row.customers, 0)
  const revenue = rows.reduce((sum, row) => sum + row.revenue, 0)
  const top = rows.reduce<SharedRow | undefined>((best, row) => (best && best.revenue >= row.revenue ? best : row), undefined)
  return (
    <Box component="dl" sx={{ m: 0, display: 'grid', gap: 2, gridTemplateColumns: { xs: '1fr 1fr', md: 'repeat(4, 1fr)' } }}>
      <Tile title="Customers" value={formatCount(customers)} />
      <Tile title="Revenue" value={formatCompactMoney(revenue)} exact={formatMoney(revenue)} />
      <Tile title="Segments" value={formatCount(rows.length)} />
      {top && (
        <Tile
          title="Largest by revenue"
          value={top.segment}
          note={`${formatPercent(top.revenue_share_pct)} of revenue from ${formatPercent(top.customers_share_pct)} of customers`}
        />
      )}
    </Box>
  )
}

interface TileProps {
  title: string
  value: string
  exact?: string
  note?: string
}

function Tile({ title, value, exact, note }: TileProps) {
  return (
    <Card sx={{ p: { xs: 1.75, sm: 2.25 }, display: 'flex', flexDirection: 'column', gap: 0.5, minWidth: 0 }}>
      <Typography component="dt" variant="body2" color="textSecondary">
        {title}
      </Typography>
      <Typography
        component="dd"
        title={exact}
        sx={{ m: 0, fontSize: 'clamp(1.25rem, 1rem + 1vw, 1.75rem)', fontWeight: 650, letterSpacing: '-0.025em', lineHeight: 1.2, fontVariantNumeric: 'tabular-nums', textTransform: 'none', '&::first-letter': { textTransform: 'uppercase' } }}
      >
        {value}
      </Typography>
      {(note ?? exact) && (
        <Typography component="dd" variant="caption" color="textSecondary" sx={{ m: 0, fontVariantNumeric: 'tabular-nums' }}>
          {note ?? exact}
        </Typography>
      )}
    </Card>
  )
}
