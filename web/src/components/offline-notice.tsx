import Alert from '@mui/material/Alert'
import { onlineManager } from '@tanstack/react-query'
import { useSyncExternalStore } from 'react'

const watch = (listener: () => void) => onlineManager.subscribe(listener)
const isOnline = () => onlineManager.isOnline()

/** Said while the browser has no connection: questions wait meanwhile, and are asked once it is back. */
export function OfflineNotice() {
  const online = useSyncExternalStore(watch, isOnline)
  if (online) return null
  return (
    <Alert severity="warning" role="status" square sx={{ justifyContent: 'center' }}>
      You are offline. What is shown is as it was; it goes on by itself once the connection is back.
    </Alert>
  )
}
