import Box from '@mui/material/Box'
import Card from '@mui/material/Card'
import Typography from '@mui/material/Typography'

export interface Figure {
  title: string
  value: string
  /** The exact value or what it is set against. */
  note?: string | undefined
}

/** A few figures in a row, each with what it is. */
export function Figures({ label, figures }: { label: string; figures: readonly Figure[] }) {
  return (
    <Box component="dl" aria-label={label} sx={{ m: 0, display: 'grid', gap: 2, gridTemplateColumns: { xs: '1fr 1fr', md: 'repeat(auto-fit, minmax(180px, 1fr))' } }}>
      {figures.map(({ title, value, note }) => (
        <Card key={title} sx={{ p: { xs: 1.75, sm: 2.25 }, display: 'flex', flexDirection: 'column', gap: 0.5, minWidth: 0 }}>
          <Typography component="dt" variant="body2" color="textSecondary">
            {title}
          </Typography>
          <Typography component="dd" sx={{ m: 0, fontSize: 'clamp(1.125rem, 1rem + 0.8vw, 1.5rem)', fontWeight: 650, letterSpacing: '-0.025em', lineHeight: 1.2, fontVariantNumeric: 'tabular-nums', overflowWrap: 'anywhere' }}>
            {value}
          </Typography>
          {note && (
            <Typography component="dd" variant="caption" color="textSecondary" sx={{ m: 0, fontVariantNumeric: 'tabular-nums' }}>
              {note}
            </Typography>
          )}
        </Card>
      ))}
    </Box>
  )
}
