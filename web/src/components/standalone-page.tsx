import Box from '@mui/material/Box'
import Container from '@mui/material/Container'
import Stack from '@mui/material/Stack'
import Typography from '@mui/material/Typography'
import type { ReactNode } from 'react'
import { Logo } from '@/components/logo'

interface StandalonePageProps {
  eyebrow?: string
  title: string
  detail: string
  note?: string
  children: ReactNode
}

/** A page of its own, outside the frame: an explanation and one way on. */
export function StandalonePage({ eyebrow, title, detail, note, children }: StandalonePageProps) {
  return (
    <Container maxWidth="sm" component="main">
      <title>{`${title} · Shop Insight`}</title>
      <Stack spacing={5} sx={{ minHeight: '100dvh', justifyContent: 'center', py: 6 }}>
        <Logo />
        <Stack spacing={1.5}>
          {eyebrow && (
            <Typography variant="overline" color="primary">
              {eyebrow}
            </Typography>
          )}
          <Typography variant="h1">{title}</Typography>
          <Typography color="textSecondary">{detail}</Typography>
          {note && (
            <Typography
              component="code"
              variant="body2"
              color="textSecondary"
              sx={{ fontFamily: 'monospace', overflowWrap: 'anywhere' }}
            >
              {note}
            </Typography>
          )}
        </Stack>
        <Box>{children}</Box>
      </Stack>
    </Container>
  )
}
