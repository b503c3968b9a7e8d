import Box from '@mui/material/Box'
import Chip from '@mui/material/Chip'
import IconButton from '@mui/material/IconButton'
import InputAdornment from '@mui/material/InputAdornment'
import TextField from '@mui/material/TextField'
import ToggleButton from '@mui/material/ToggleButton'
import ToggleButtonGroup from '@mui/material/ToggleButtonGroup'
import type { ReactNode } from 'react'
import { CloseIcon } from '@/components/icons'
import type { Method, SegmentsView } from '@/features/segments/api/get-segments'

interface ViewControlsProps {
  view: SegmentsView
  onChange: (change: Partial<SegmentsView>) => void
  children: ReactNode
}

/** How customers are grouped, as of when, and what else can be done with the view. */
export function ViewControls({ view, onChange, children }: ViewControlsProps) {
  const chooseMethod = (method: Method | null) => method && onChange({ method })
  return (
    <Box sx={{ display: 'flex', flexWrap: 'wrap', gap: 2, alignItems: 'center', justifyContent: 'space-between' }}>
      <ToggleButtonGroup
        exclusive
        size="small"
        color="primary"
        aria-label="How customers are grouped"
        value={view.method}
        onChange={(_, method: Method | null) => chooseMethod(method)}
        sx={{ bgcolor: 'background.paper' }}
      >
        <ToggleButton value="rfm">RFM segments</ToggleButton>
        <ToggleButton value="kmeans">K-Means tiers</ToggleButton>
      </ToggleButtonGroup>
      <Box sx={{ display: 'flex', gap: 1.5, alignItems: 'center' }}>
        <AsOf asOf={view.asOf} onChange={(asOf) => onChange({ asOf })} />
        {children}
      </Box>
    </Box>
  )
}

const DAY = /^\d{4}-\d{2}-\d{2}$/

function AsOf({ asOf, onChange }: { asOf: string | undefined; onChange: (asOf: string | undefined) => void }) {
  const clear = () => onChange(undefined)
  if (asOf && !DAY.test(asOf)) {
    // A version or a moment, from a shared link: nothing that a date field can show.
    return <Chip label={/^\d+$/.test(asOf) ? `Version ${asOf}` : `As of ${asOf}`} onDelete={clear} />
  }
  return (
    <TextField
      label="As of"
      type="date"
      size="small"
      value={asOf ?? ''}
      onChange={(event) => onChange(event.target.value || undefined)}
      slotProps={{
        inputLabel: { shrink: true },
        htmlInput: { max: new Date().toISOString().slice(0, 10) },
        input: {
          sx: { bgcolor: 'background.paper', height: 38, '& input': { fontSize: '0.875rem' } },
          endAdornment: asOf && (
            <InputAdornment position="end">
              <IconButton size="small" edge="end" aria-label="Show the newest" onClick={clear}>
                <CloseIcon fontSize="small" />
              </IconButton>
            </InputAdornment>
          ),
        },
      }}
    />
  )
}
