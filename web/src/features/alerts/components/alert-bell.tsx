import Badge from '@mui/material/Badge'
import Box from '@mui/material/Box'
import Button from '@mui/material/Button'
import IconButton from '@mui/material/IconButton'
import Popover from '@mui/material/Popover'
import Stack from '@mui/material/Stack'
import Tooltip from '@mui/material/Tooltip'
import Typography from '@mui/material/Typography'
import { useState } from 'react'
import { Link } from 'react-router'
import { BellIcon } from '@/components/icons'
import { ToneChip } from '@/components/tone-chip'
import { VisuallyHidden } from '@/components/visually-hidden'
import { type Notice, useNotices } from '@/features/alerts/use-notices'
import { eventStanding } from '@/features/alerts/wording'
import { formatMoment } from '@/lib/format'

/** Tells of alerts as they come: a number at the bell, and the newest behind it. */
export function AlertBell() {
  const { notices, read } = useNotices()
  const [anchor, setAnchor] = useState<HTMLElement | null>(null)
  const unread = notices.filter((notice) => notice.unread).length
  const words = unread === 0 ? 'no unread alerts' : unread === 1 ? '1 unread alert' : `${unread} unread alerts`
  const close = () => {
    setAnchor(null)
    read()
  }
  return (
    <>
      <VisuallyHidden>
        <span role="status">{unread > 0 && words}</span>
      </VisuallyHidden>
      {/* The number stands beside the button: the button's name says it in words. */}
      <Badge badgeContent={unread} color="error" max={9} overlap="circular" slotProps={{ badge: { 'aria-hidden': true, sx: { pointerEvents: 'none' } } }}>
        <Tooltip title="Alerts">
          <IconButton aria-label={`Alerts: ${words}`} aria-haspopup="dialog" aria-expanded={anchor !== null} onClick={(event) => setAnchor(event.currentTarget)}>
            <BellIcon fontSize="small" />
          </IconButton>
        </Tooltip>
      </Badge>
      <Popover
        open={anchor !== null}
        anchorEl={anchor}
        onClose={close}
        anchorOrigin={{ horizontal: 'right', vertical: 'bottom' }}
        transformOrigin={{ horizontal: 'right', vertical: 'top' }}
        slotProps={{ paper: { role: 'dialog', 'aria-label': 'Alerts', sx: { width: 360, maxWidth: 'calc(100vw - 32px)' } } }}
      >
        <Notices notices={notices} />
        <Box sx={{ p: 1, borderTop: 1, borderColor: 'divider' }}>
          <Button component={Link} to="/alerts" onClick={close} fullWidth color="inherit">
            All rules
          </Button>
        </Box>
      </Popover>
    </>
  )
}

function Notices({ notices }: { notices: readonly Notice[] }) {
  if (notices.length === 0) {
    return (
      <Typography variant="body2" color="textSecondary" sx={{ p: 3, textAlign: 'center' }}>
        Nothing to tell. Rules that fire show up here at once.
      </Typography>
    )
  }
  return (
    <Stack component="ul" sx={{ listStyle: 'none', m: 0, p: 0, maxHeight: 420, overflow: 'auto' }}>
      {notices.map((notice) => (
        <Box component="li" key={notice.key} sx={{ px: 2, py: 1.5, borderBottom: 1, borderColor: 'divider', bgcolor: notice.unread ? 'action.hover' : 'transparent' }}>
          <Stack direction="row" spacing={1} sx={{ alignItems: 'center', mb: 0.25 }}>
            <ToneChip {...eventStanding(notice)} />
            <Typography variant="body2" sx={{ fontWeight: 600, overflowWrap: 'anywhere' }}>
              {notice.name}
            </Typography>
          </Stack>
          {notice.detail && <Typography variant="body2">{notice.detail}</Typography>}
          <Typography variant="caption" color="textSecondary">
            {formatMoment(notice.at)}
          </Typography>
        </Box>
      ))}
    </Stack>
  )
}
