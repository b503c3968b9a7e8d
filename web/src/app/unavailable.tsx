import Container from '@mui/material/Container'
import Stack from '@mui/material/Stack'
import { Logo } from '@/components/logo'
import { ProblemNotice } from '@/components/problem-notice'
import { usePlatform } from '@/lib/context'
import type { Problem } from '@/lib/problem'

/** Shown where the server cannot say whether the session still holds. */
export function Unavailable({ problem }: { problem: Problem }) {
  const { session } = usePlatform()
  return (
    <Container maxWidth="sm" component="main">
      <Stack spacing={4} sx={{ minHeight: '100dvh', justifyContent: 'center', py: 6 }}>
        <Logo />
        <ProblemNotice problem={problem} onRetry={() => void session.resume()} />
      </Stack>
    </Container>
  )
}
