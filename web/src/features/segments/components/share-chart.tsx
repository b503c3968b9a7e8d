import Card from '@mui/material/Card'
import Box from '@mui/material/Box'
import Skeleton from '@mui/material/Skeleton'
import { useColorScheme, useTheme } from '@mui/material/styles'
import Typography from '@mui/material/Typography'
import useMediaQuery from '@mui/material/useMediaQuery'
import visuallyHidden from '@mui/utils/visuallyHidden'
import { lazy, Suspense, useMemo } from 'react'
import { type ChartColors, rowHeight, shareOption } from '@/features/segments/share-option'
import { type SharedRow, sortRows } from '@/features/segments/table-rows'
import { formatPercent } from '@/lib/format'
import { palettes } from '@/lib/theme'

const Chart = lazy(async () => ({ default: (await import('@/components/chart')).Chart }))

const FRAME_HEIGHT = 20

/** Each segment's share of the revenue beside its share of the customers, largest first. */
export function ShareChart({ rows }: { rows: readonly SharedRow[] }) {
  const colors = useChartColors()
  const narrow = useMediaQuery(useTheme().breakpoints.down('sm'))
  const ordered = useMemo(() => sortRows(rows, { column: 'revenue', direction: 'desc' }), [rows])
  const option = useMemo(() => shareOption(ordered, colors, narrow), [ordered, colors, narrow])
  const height = ordered.length * rowHeight(ordered.length) + FRAME_HEIGHT
  return (
    <Card component="figure" sx={{ m: 0, p: { xs: 2, sm: 2.5 }, minWidth: 0 }}>
      <Box component="figcaption" sx={{ display: 'flex', flexWrap: 'wrap', justifyContent: 'space-between', gap: 1, mb: 1 }}>
        <Typography variant="h2">Where the revenue comes from</Typography>
        <Box sx={{ display: 'flex', gap: 2 }}>
          <Key color={colors.revenue} text="Share of revenue" />
          <Key color={colors.customers} text="Share of customers" />
        </Box>
      </Box>
      <Suspense fallback={<Skeleton variant="rounded" height={height} />}>
        <Chart option={option} height={height} label="Bar chart: share of revenue and of customers by segment. The same numbers follow as a table." />
      </Suspense>
      <EquivalentTable rows={ordered} />
    </Card>
  )
}

function Key({ color, text }: { color: string; text: string }) {
  return (
    <Typography variant="body2" color="textSecondary" sx={{ display: 'flex', alignItems: 'center', gap: 0.75 }}>
      <Box component="span" sx={{ width: 10, height: 10, borderRadius: '3px', bgcolor: color }} />
      {text}
    </Typography>
  )
}

/** The chart for those who cannot see it. */
function EquivalentTable({ rows }: { rows: readonly SharedRow[] }) {
  return (
    <Box sx={visuallyHidden}>
      <table>
        <caption>Share of revenue and of customers by segment</caption>
        <thead>
          <tr>
            <th scope="col">Segment</th>
            <th scope="col">Share of revenue</th>
            <th scope="col">Share of customers</th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={row.segment}>
              <th scope="row">{row.segment}</th>
              <td>{formatPercent(row.revenue_share_pct)}</td>
              <td>{formatPercent(row.customers_share_pct)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Box>
  )
}

/** The colours of the scheme that shows. */
function useChartColors(): ChartColors {
  const { mode, systemMode } = useColorScheme()
  const scheme = (mode === 'system' ? systemMode : mode) === 'dark' ? 'dark' : 'light'
  return useMemo(() => {
    const palette = palettes[scheme]
    return {
      revenue: palette.primary.main,
      customers: scheme === 'dark' ? '#4a5a70' : '#c3ccd8',
      text: palette.text.primary,
      quietText: palette.text.secondary,
      line: palette.divider,
      paper: palette.background.paper,
    }
  }, [scheme])
}
