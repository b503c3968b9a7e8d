import Box from '@mui/material/Box'
import CircularProgress from '@mui/material/CircularProgress'

/** Stands in for a page whose session or code is still on its way. */
export function FullPageSpinner() {
  return (
    <Box sx={{ minHeight: '100dvh', display: 'grid', placeItems: 'center' }}>
      <CircularProgress aria-label="Loading" size={32} />
    </Box>
  )
}
