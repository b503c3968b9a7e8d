import Stack from '@mui/material/Stack'
import Typography from '@mui/material/Typography'
import type { ReactNode } from 'react'

interface PageHeaderProps {
  /** Title of the browser tab, where it differs. */
  tab?: string
  title: string
  detail?: ReactNode
  actions?: ReactNode
}

/** The title of a page, what it is about, and what can be done with it; names the browser tab too. */
export function PageHeader({ title, tab = title, detail, actions }: PageHeaderProps) {
  return (
    <Stack
      direction={{ xs: 'column', md: 'row' }}
      spacing={2}
      sx={{ justifyContent: 'space-between', alignItems: { xs: 'stretch', md: 'flex-end' } }}
    >
      <title>{`${tab} · Shop Insight`}</title>
      <Stack spacing={0.75} sx={{ minWidth: 0 }}>
        <Typography variant="h1">{title}</Typography>
        {detail && (
          <Typography color="text.secondary" sx={{ maxWidth: '68ch' }}>
            {detail}
          </Typography>
        )}
      </Stack>
      {actions && (
        <Stack direction="row" spacing={1} sx={{ flex: 'none' }}>
          {actions}
        </Stack>
      )}
    </Stack>
  )
}
