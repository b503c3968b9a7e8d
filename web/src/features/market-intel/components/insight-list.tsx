import Box from '@mui/material/Box'
import Card from '@mui/material/Card'
import Typography from '@mui/material/Typography'
import { useId } from 'react'
import { useInsights } from '@/features/market-intel/api/trends'
import { Answered } from '@/features/market-intel/components/answered'
import { problemFromError } from '@/lib/problem'

/** What changed that somebody should know; nothing where the system tells of nothing. */
export function InsightList() {
  const asked = useInsights()
  const heading = useId()
  if (asked.error && problemFromError(asked.error).reason === 'NOT_OFFERED') return null
  return (
    <Answered asked={asked} what="what changed" height={120} isEmpty={(items) => items.length === 0} empty="Nothing stands out at present.">
      {(items) => (
        <Card component="section" aria-labelledby={heading} sx={{ p: { xs: 2, sm: 2.5 } }}>
          <Typography variant="h2" id={heading} sx={{ mb: 1 }}>
            What stands out
          </Typography>
          <Box component="ul" sx={{ m: 0, pl: 2.5, display: 'grid', gap: 0.75 }}>
            {items.map(({ title }) => (
              <li key={title}>{title}</li>
            ))}
          </Box>
        </Card>
      )}
    </Answered>
  )
}
