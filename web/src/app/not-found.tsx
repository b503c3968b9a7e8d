import Button from '@mui/material/Button'
import { Link, useLocation } from 'react-router'
import { StandalonePage } from '@/components/standalone-page'

/** Shown for a path that leads nowhere. */
export function NotFound() {
  const { pathname } = useLocation()
  return (
    <StandalonePage
      eyebrow="404"
      title="There is no such page"
      detail="The address may be mistyped, or the page has moved."
      note={pathname}
    >
      <Button variant="contained" component={Link} to="/">
        Back to the overview
      </Button>
    </StandalonePage>
  )
}
