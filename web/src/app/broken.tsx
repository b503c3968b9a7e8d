import Button from '@mui/material/Button'
import { isRouteErrorResponse, useRouteError } from 'react-router'
import { StandalonePage } from '@/components/standalone-page'

/** Shown where a page failed to load or to render. */
export function Broken() {
  const error = useRouteError()
  const why = isRouteErrorResponse(error) ? error.statusText : error instanceof Error ? error.message : ''
  return (
    <StandalonePage
      title="This page did not load"
      detail="The app may have been updated, or the connection was lost. Reloading usually helps."
      note={why}
    >
      <Button variant="contained" onClick={() => window.location.reload()}>
        Reload
      </Button>
    </StandalonePage>
  )
}
