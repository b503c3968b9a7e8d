import Stack from '@mui/material/Stack'
import TextField from '@mui/material/TextField'
import { useState } from 'react'
import { ConfirmDialog } from '@/components/confirm-dialog'
import { type Deed, useDeed, type Version } from '@/features/market-intel/api/versions'
import { modelTitle } from '@/features/market-intel/versions'

interface VersionDeedProps {
  deed: Deed
  /** Version that is the champion now. */
  live: string | undefined
  onDone: (now: Version | null) => void
  onClose: () => void
}

/** Asks before another version takes over, and why, for the log. */
export function VersionDeed({ deed, live, onDone, onClose }: VersionDeedProps) {
  const [because, setBecause] = useState('')
  const doing = useDeed()
  const title = modelTitle(deed.model)
  const now = live ? ` in the place of ${live}` : ''
  return (
    <ConfirmDialog
      open
      title={deed.kind === 'promote' ? `Make ${deed.version} the champion of ${lowered(title)}?` : `Go back with ${lowered(title)}?`}
      detail={
        <Stack spacing={2}>
          <span>
            {deed.kind === 'promote'
              ? `The next run of the pipeline forecasts by version ${deed.version}${now}. What is shown until then stays. You can go back at any time.`
              : `The champion before comes back${now}. The next run of the pipeline forecasts by it; what is shown until then stays.`}
          </span>
          <TextField label="Why" helperText="Kept in the log of moves." size="small" fullWidth value={because} onChange={(event) => setBecause(event.target.value)} slotProps={{ htmlInput: { maxLength: 300 } }} />
        </Stack>
      }
      confirm={deed.kind === 'promote' ? 'Make it the champion' : 'Go back'}
      tone="primary"
      busy={doing.isPending}
      error={doing.error}
      onConfirm={() => doing.mutate({ deed, because: because.trim() }, { onSuccess: onDone })}
      onClose={onClose}
    />
  )
}

const lowered = (title: string): string => title.charAt(0).toLowerCase() + title.slice(1)
