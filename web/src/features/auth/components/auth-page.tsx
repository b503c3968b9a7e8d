import Box from '@mui/material/Box'
import Stack from '@mui/material/Stack'
import Typography from '@mui/material/Typography'
import type { ReactNode } from 'react'
import { Artwork } from '@/features/auth/components/artwork'
import { Logo } from '@/components/logo'
import { ThemeSwitch } from '@/components/theme-switch'

interface AuthPageProps {
  title: string
  detail: string
  children: ReactNode
}

/** The frame of log-in and registration: what the product is on the left, the form on the right. */
export function AuthPage({ title, detail, children }: AuthPageProps) {
  return (
    <Box sx={{ minHeight: '100dvh', display: 'grid', gridTemplateColumns: { xs: '1fr', md: 'minmax(0, 5fr) minmax(0, 6fr)' } }}>
      <title>{`${title} · Shop Insight`}</title>
      <Artwork />
      <Stack sx={{ px: { xs: 3, sm: 6 }, py: 3, bgcolor: 'background.paper' }}>
        <Box component="header" sx={{ display: 'flex', alignItems: 'center', justifyContent: 'space-between' }}>
          <Box sx={{ visibility: { md: 'hidden' } }}>
            <Logo />
          </Box>
          <ThemeSwitch />
        </Box>
        <Stack component="main" spacing={4} sx={{ flex: 1, width: '100%', maxWidth: 400, mx: 'auto', justifyContent: 'center', py: 5 }}>
          <Stack spacing={0.75}>
            <Typography variant="h1">{title}</Typography>
            <Typography color="textSecondary">{detail}</Typography>
          </Stack>
          {children}
        </Stack>
      </Stack>
    </Box>
  )
}
