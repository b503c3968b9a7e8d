import Box from '@mui/material/Box'
import { capitalised } from '@/features/segments/share-option'

const TIER_COLORS: Record<string, string> = {
  bronze: '#b0703c',
  silver: '#9aa5b1',
  gold: '#dba829',
  platinum: '#6fa8b8',
}

/** The name of a segment; tiers carry a dot of their metal. */
export function SegmentName({ name }: { name: string }) {
  const color = TIER_COLORS[name.toLowerCase()]
  return (
    <Box component="span" sx={{ display: 'inline-flex', alignItems: 'center', gap: 1 }}>
      {color && <Box component="span" aria-hidden sx={{ width: 10, height: 10, borderRadius: '50%', bgcolor: color }} />}
      {capitalised(name)}
    </Box>
  )
}
