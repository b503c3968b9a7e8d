import Box from '@mui/material/Box'
import { ToneChip } from '@/components/tone-chip'
import { capitalised } from '@/features/market-intel/words'

/** Why a product is at risk, each reason apart; they come as a list, or as words with commas or semicolons between. */
export function RiskReasons({ reasons }: { reasons: unknown }) {
  const all = Array.isArray(reasons) ? reasons.map(String) : typeof reasons === 'string' ? reasons.split(/[;,]\s*/) : []
  const said = all.map((reason) => reason.trim()).filter(Boolean)
  if (said.length === 0) return '–'
  return (
    <Box sx={{ display: 'flex', flexWrap: 'wrap', gap: 0.5, minWidth: { md: 180 } }}>
      {said.map((reason) => (
        <ToneChip key={reason} tone="warning" label={capitalised(reason)} />
      ))}
    </Box>
  )
}
