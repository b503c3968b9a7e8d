import Box from '@mui/material/Box'
import Skeleton from '@mui/material/Skeleton'
import Stack from '@mui/material/Stack'

/** The shape of the report while its numbers are on their way. */
export function ReportSkeleton() {
  return (
    <Stack spacing={3} role="status" aria-label="Loading the segments">
      <Box sx={{ display: 'grid', gap: 2, gridTemplateColumns: { xs: '1fr 1fr', md: 'repeat(4, 1fr)' } }}>
        {[1, 2, 3, 4].map((key) => (
          <Skeleton key={key} variant="rounded" height={100} />
        ))}
      </Box>
      <Skeleton variant="rounded" height={480} />
      <Skeleton variant="rounded" height={420} />
    </Stack>
  )
}
