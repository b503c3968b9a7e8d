import Box from '@mui/material/Box'
import Button from '@mui/material/Button'
import Card from '@mui/material/Card'
import Typography from '@mui/material/Typography'
import { useId, useState } from 'react'
import { useInsights } from '@/features/market-intel/api/trends'
import { Answered } from '@/features/market-intel/components/answered'
import { sentence } from '@/features/market-intel/prose'
import { problemFromError } from '@/lib/problem'

/** They come most telling first: so many are read at a glance. */
const FIRST = 6

/** What changed that somebody should know; nothing where the system tells of nothing. */
export function InsightList() {
  const asked = useInsights()
  const heading = useId()
  const [all, setAll] = useState(false)
  if (asked.error && problemFromError(asked.error).reason === 'NOT_OFFERED') return null
  return (
    <Answered asked={asked} what="what changed" height={120} isEmpty={(items) => items.length === 0} empty="Nothing stands out at present.">
      {(items) => (
        <Card component="section" aria-labelledby={heading} sx={{ p: { xs: 2, sm: 2.5 } }}>
          <Typography variant="h2" id={heading} sx={{ mb: 1 }}>
            What stands out
          </Typography>
          <Box component="ul" sx={{ m: 0, pl: 2.5, display: 'grid', gap: 0.75 }}>
            {(all ? items : items.slice(0, FIRST)).map(({ title }) => (
              <li key={title}>{sentence(title)}</li>
            ))}
          </Box>
          {items.length > FIRST && (
            <Button size="small" color="inherit" aria-expanded={all} onClick={() => setAll(!all)} sx={{ mt: 1, color: 'text.secondary' }}>
              {all ? 'Show less' : `Show all ${items.length}`}
            </Button>
          )}
        </Card>
      )}
    </Answered>
  )
}
