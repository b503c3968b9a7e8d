import Box from '@mui/material/Box'
import Card from '@mui/material/Card'
import Stack from '@mui/material/Stack'
import Typography from '@mui/material/Typography'
import { formatRatio } from '@/lib/format'

interface SeparationProps {
  silhouette: number
  suggested: number | undefined
  tiers: number
}

/** How well the tiers are told apart, and how many groups the data would suggest. */
export function Separation({ silhouette, suggested, tiers }: SeparationProps) {
  return (
    <Card component="section" aria-labelledby="separation" sx={{ p: 2.5 }}>
      <Stack spacing={2.5}>
        <Typography variant="h2" id="separation">
          How distinct the tiers are
        </Typography>
        <Box sx={{ display: 'flex', gap: 4 }}>
          <Figure title="Silhouette" value={formatRatio(silhouette)} />
          {suggested !== undefined && <Figure title="Suggested k" value={String(suggested)} />}
        </Box>
        <Scale value={silhouette} />
        <Typography variant="body2" color="textSecondary">
          The silhouette runs from −1 to 1: near 1, customers sit close to their own tier and far from the next; near 0,
          tiers overlap. {suggested !== undefined && advice(suggested, tiers)}
        </Typography>
      </Stack>
    </Card>
  )
}

function advice(suggested: number, tiers: number): string {
  return suggested === tiers
    ? `Among 2 to 10 groups it is best at ${suggested}, the number of tiers used here.`
    : `Among 2 to 10 groups it is best at ${suggested}; ${tiers} tiers are kept because people act on them by name.`
}

function Figure({ title, value }: { title: string; value: string }) {
  return (
    <div>
      <Typography variant="body2" color="textSecondary">
        {title}
      </Typography>
      <Typography sx={{ fontSize: '1.75rem', fontWeight: 650, letterSpacing: '-0.025em', fontVariantNumeric: 'tabular-nums' }}>
        {value}
      </Typography>
    </div>
  )
}

function Scale({ value }: { value: number }) {
  const position = `${((value + 1) / 2) * 100}%`
  return (
    <Box aria-hidden>
      <Box sx={{ position: 'relative', height: 6, borderRadius: 3, bgcolor: 'divider' }}>
        <Box
          sx={{
            position: 'absolute',
            top: '50%',
            width: 14,
            height: 14,
            borderRadius: '50%',
            bgcolor: 'primary.main',
            border: 3,
            borderColor: 'background.paper',
            boxShadow: '0 0 0 1px var(--si-palette-primary-main)',
            transform: 'translate(-50%, -50%)',
          }}
          style={{ left: position }}
        />
      </Box>
      <Box sx={{ display: 'flex', justifyContent: 'space-between', mt: 0.75, color: 'text.secondary', fontSize: '0.75rem' }}>
        <span>−1</span>
        <span>0</span>
        <span>1</span>
      </Box>
    </Box>
  )
}
