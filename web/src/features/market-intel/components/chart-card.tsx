import Box from '@mui/material/Box'
import Button from '@mui/material/Button'
import Card from '@mui/material/Card'
import Skeleton from '@mui/material/Skeleton'
import Typography from '@mui/material/Typography'
import type { EChartsCoreOption } from 'echarts/core'
import { lazy, type ReactNode, Suspense, useId, useState } from 'react'
import { Fallback } from '@/components/fallback'
import { type Numbers, NumbersTable } from '@/features/market-intel/components/numbers-table'

const Chart = lazy(async () => ({ default: (await import('@/components/chart')).Chart }))

interface Key {
  color: string
  text: string
  /** A band is shown as a square, fainter than a line. */
  opacity?: number
}

interface ChartCardProps {
  title: string
  /** What the chart shows in a sentence, for those who cannot see it. */
  label: string
  option: EChartsCoreOption
  height: number
  keys?: readonly Key[]
  note?: ReactNode
  /** The same numbers as a table. */
  numbers: Numbers
}

/** A chart with its title, its key, and the same numbers as a table for who wants or needs them. */
export function ChartCard({ title, label, option, height, keys = [], note, numbers }: ChartCardProps) {
  const heading = useId()
  return (
    <Card component="figure" aria-labelledby={heading} sx={{ m: 0, p: { xs: 2, sm: 2.5 }, minWidth: 0 }}>
      <Box component="figcaption" sx={{ display: 'flex', flexWrap: 'wrap', justifyContent: 'space-between', columnGap: 2, rowGap: 1, mb: 1.5 }}>
        <Typography variant="h2" id={heading}>
          {title}
        </Typography>
        <Box sx={{ display: 'flex', flexWrap: 'wrap', columnGap: 2, rowGap: 0.5 }}>
          {keys.map((key) => (
            <KeyMark key={key.text} {...key} />
          ))}
        </Box>
      </Box>
      <Fallback instead={<NoChart />}>
        <Suspense fallback={<Skeleton variant="rounded" height={height} />}>
          <Chart option={option} height={height} label={`${label} The same numbers are behind the button “Show the numbers”.`} />
        </Suspense>
      </Fallback>
      {note && (
        <Typography variant="body2" color="textSecondary" component="div" sx={{ mt: 1 }}>
          {note}
        </Typography>
      )}
      <NumbersDisclosure title={title} numbers={numbers} />
    </Card>
  )
}

/** Stands in for the chart where the library that draws it could not be loaded. */
function NoChart() {
  return (
    <Typography color="textSecondary" role="status" sx={{ py: 4, textAlign: 'center' }}>
      The chart could not be drawn: the connection may be lost, or the app updated. Its numbers are below; reloading the page usually brings it back.
    </Typography>
  )
}

function KeyMark({ color, text, opacity = 1 }: Key) {
  return (
    <Typography component="span" variant="body2" color="textSecondary" sx={{ display: 'flex', alignItems: 'center', gap: 0.75 }}>
      <Box component="span" sx={{ width: 10, height: 10, borderRadius: '3px', bgcolor: color, opacity }} />
      {text}
    </Typography>
  )
}

function NumbersDisclosure({ title, numbers }: { title: string; numbers: Numbers }) {
  const [open, setOpen] = useState(false)
  const region = useId()
  return (
    <Box sx={{ mt: 1 }}>
      <Button size="small" color="inherit" aria-expanded={open} aria-controls={open ? region : undefined} onClick={() => setOpen(!open)} sx={{ color: 'text.secondary' }}>
        {open ? 'Hide the numbers' : 'Show the numbers'}
      </Button>
      {open && (
        <Box id={region} sx={{ mt: 1 }}>
          <NumbersTable caption={title} numbers={numbers} />
        </Box>
      )}
    </Box>
  )
}
