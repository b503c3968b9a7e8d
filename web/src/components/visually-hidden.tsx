import Box from '@mui/material/Box'
import type { ReactNode } from 'react'

/** Words that are heard, not seen. */
export function VisuallyHidden({ children }: { children: ReactNode }) {
  return (
    <Box component="span" sx={{ position: 'absolute', width: '1px', height: '1px', overflow: 'hidden', clipPath: 'inset(50%)', whiteSpace: 'nowrap' }}>
      {children}
    </Box>
  )
}
