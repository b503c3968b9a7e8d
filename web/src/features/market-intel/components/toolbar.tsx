import Box from '@mui/material/Box'
import type { ReactNode } from 'react'

/** What a view shows is chosen here; what can be done with it stands at the end. */
export function Toolbar({ label, children, end }: { label: string; children: ReactNode; end?: ReactNode }) {
  return (
    <Box role="group" aria-label={label} sx={{ display: 'flex', flexWrap: 'wrap', gap: 1.5, alignItems: 'flex-start' }}>
      {children}
      {end && <Box sx={{ ml: 'auto', display: 'flex', gap: 1.5 }}>{end}</Box>}
    </Box>
  )
}
