import Button from '@mui/material/Button'
import Typography from '@mui/material/Typography'
import type { ReactNode } from 'react'
import { Link } from 'react-router'
import { AuthPage } from '@/features/auth/components/auth-page'
import type { Problem } from '@/lib/problem'

/** Where to go on after a link from a mail was used. */
export function Onward({ to, children }: { to: string; children: ReactNode }) {
  return (
    <Button component={Link} to={to} variant="contained" size="large">
      {children}
    </Button>
  )
}

/** Says that a link does not hold, in the server's words if it has said so, and how to get another. */
export function LinkOver({ problem, again }: { problem: Problem | null; again?: string }) {
  return (
    <AuthPage title="This link does not work" detail="Links from mails hold for a while and once, and a reloaded page has forgotten its link.">
      <Typography role="status">
        {problem ? problem.message : 'Open the link in the mail again.'}
      </Typography>
      {again ? <Onward to={again}>Ask for a new link</Onward> : <Onward to="/">Back to the overview</Onward>}
    </AuthPage>
  )
}
