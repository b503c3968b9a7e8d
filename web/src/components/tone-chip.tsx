import Chip from '@mui/material/Chip'

export type Tone = 'success' | 'warning' | 'error' | 'info' | 'neutral'

/** A state as a soft chip: read, not shouted. The tint alone tells the tone; tinted words on it would be too faint. */
export function ToneChip({ tone, label }: { tone: Tone; label: string }) {
  const colour = tone === 'neutral' ? 'text-secondary' : `${tone}-main`
  return (
    <Chip
      size="small"
      label={label}
      sx={{ color: 'text.primary', fontWeight: 600, maxWidth: '100%', height: 'auto', minHeight: 24, '& .MuiChip-label': { whiteSpace: 'normal', py: '2px' }, bgcolor: `color-mix(in srgb, var(--si-palette-${colour}) 18%, transparent)` }}
    />
  )
}
