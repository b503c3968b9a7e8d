import Box from '@mui/material/Box'
import Button from '@mui/material/Button'
import Dialog from '@mui/material/Dialog'
import DialogActions from '@mui/material/DialogActions'
import DialogContent from '@mui/material/DialogContent'
import DialogTitle from '@mui/material/DialogTitle'
import Skeleton from '@mui/material/Skeleton'
import Stack from '@mui/material/Stack'
import Typography from '@mui/material/Typography'
import { useId } from 'react'
import { ProblemNotice } from '@/components/problem-notice'
import { type System, useSystem } from '@/features/systems/api/systems'
import { formatMoment } from '@/lib/format'
import { problemFromError } from '@/lib/problem'

/** What is known of a system, and what it publishes. */
export function SystemDialog({ system, onClose }: { system: System; onClose: () => void }) {
  const heading = useId()
  const asked = useSystem(system.name)
  const found = asked.data
  return (
    <Dialog open onClose={onClose} fullWidth maxWidth="sm" aria-labelledby={heading}>
      <DialogTitle id={heading}>{system.title}</DialogTitle>
      <DialogContent>
        <Stack spacing={2.5}>
          {system.description && <Typography color="textSecondary">{system.description}</Typography>}
          {asked.error && <ProblemNotice problem={problemFromError(asked.error)} onRetry={() => void asked.refetch()} busy={asked.isFetching} />}
          {asked.isPending && <Skeleton variant="rounded" height={120} />}
          {found && (
            <>
              <Facts
                facts={[
                  ['Path', `/api/v1/${found.prefix}`],
                  ['Permissions', `${found.name}:read, ${found.name}:run, ${found.name}:manage`],
                  ['Prod zone', found.zone],
                  ['Address', found.address && `${found.address}${found.tls ? ' (TLS)' : ''}`],
                  ['Registered', found.registered_at && formatMoment(found.registered_at)],
                ]}
              />
              {found.methods.length > 0 && <Methods methods={found.methods} />}
            </>
          )}
        </Stack>
      </DialogContent>
      <DialogActions sx={{ px: 3, pb: 2.5 }}>
        <Button onClick={onClose}>Close</Button>
      </DialogActions>
    </Dialog>
  )
}

function Facts({ facts }: { facts: [string, string | undefined][] }) {
  return (
    <Box component="dl" sx={{ m: 0, display: 'grid', gridTemplateColumns: 'minmax(96px, auto) 1fr', columnGap: 2, rowGap: 1 }}>
      {facts.flatMap(([name, value]) =>
        value
          ? [
              <Typography key={name} component="dt" variant="body2" color="textSecondary">
                {name}
              </Typography>,
              <Typography key={`${name} value`} component="dd" variant="body2" sx={{ m: 0, overflowWrap: 'anywhere' }}>
                {value}
              </Typography>,
            ]
          : [],
      )}
    </Box>
  )
}

function Methods({ methods }: { methods: { verb: string; path: string; summary: string; permission: string }[] }) {
  return (
    <Box>
      <Typography variant="h3" sx={{ mb: 1 }}>
        What it publishes
      </Typography>
      <Stack component="ul" spacing={1} sx={{ listStyle: 'none', m: 0, p: 0 }}>
        {methods.map((method) => (
          <Box component="li" key={`${method.verb} ${method.path}`}>
            <Typography variant="body2" component="code" sx={{ overflowWrap: 'anywhere' }}>
              {method.verb} {method.path}
            </Typography>
            <Typography variant="body2" color="textSecondary">
              {method.summary}
              {method.permission && `, needs ${method.permission}`}
            </Typography>
          </Box>
        ))}
      </Stack>
    </Box>
  )
}
