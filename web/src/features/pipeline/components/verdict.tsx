import Chip from '@mui/material/Chip'

const TONES = {
  ok: 'success',
  succeeded: 'success',
  ties: 'success',
  warn: 'warning',
  interrupted: 'warning',
  running: 'info',
  fail: 'error',
  failed: 'error',
  gap: 'error',
} as const

const LABELS: Record<keyof typeof TONES, string> = {
  ok: 'Good',
  succeeded: 'Succeeded',
  ties: 'Ties',
  warn: 'Worth a look',
  interrupted: 'Interrupted',
  running: 'Running',
  fail: 'Out of bounds',
  failed: 'Failed',
  gap: 'Unexplained',
}

/** A verdict as a soft chip: read, not shouted. */
export function Verdict({ of, label }: { of: keyof typeof TONES | undefined; label?: string }) {
  if (!of) return null
  const tone = TONES[of]
  return (
    <Chip
      size="small"
      label={label ?? LABELS[of]}
      sx={{
        // The tint alone tells the tone: tinted words on it would be too faint to read.
        color: 'text.primary',
        fontWeight: 600,
        bgcolor: `color-mix(in srgb, var(--si-palette-${tone}-main) 20%, transparent)`,
      }}
    />
  )
}
