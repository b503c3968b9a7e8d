import Stack from '@mui/material/Stack'
import Typography from '@mui/material/Typography'
import { type ReactNode, useId } from 'react'

/** A part of a page under a heading of its own. */
export function Section({ title, detail, children }: { title: string; detail?: string; children: ReactNode }) {
  const heading = useId()
  return (
    <Stack component="section" aria-labelledby={heading} spacing={2}>
      <Stack spacing={0.5}>
        <Typography variant="h2" id={heading}>
          {title}
        </Typography>
        {detail && (
          <Typography variant="body2" color="textSecondary" sx={{ maxWidth: '80ch' }}>
            {detail}
          </Typography>
        )}
      </Stack>
      {children}
    </Stack>
  )
}
