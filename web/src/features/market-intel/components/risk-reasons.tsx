import Box from '@mui/material/Box'
import { ToneChip } from '@/components/tone-chip'
import { capitalised } from '@/features/market-intel/words'

/** Why a product is at risk, each reason apart; they come with semicolons between. */
export function RiskReasons({ reasons }: { reasons: unknown }) {
  const said = typeof reasons === 'string' ? reasons.split('; ').filter(Boolean) : []
  if (said.length === 0) return '–'
  return (
    <Box sx={{ display: 'flex', flexWrap: 'wrap', gap: 0.5, minWidth: { md: 160 }, maxWidth: { md: 220 } }}>
      {said.map((reason) => (
        <ToneChip key={reason} tone="warning" label={capitalised(reason)} />
      ))}
    </Box>
  )
}
