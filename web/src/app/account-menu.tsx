import Avatar from '@mui/material/Avatar'
import Box from '@mui/material/Box'
import Chip from '@mui/material/Chip'
import Divider from '@mui/material/Divider'
import IconButton from '@mui/material/IconButton'
import ListItemIcon from '@mui/material/ListItemIcon'
import Menu from '@mui/material/Menu'
import MenuItem from '@mui/material/MenuItem'
import Typography from '@mui/material/Typography'
import { useState } from 'react'
import { Link } from 'react-router'
import { KeyIcon, LogOutIcon, PersonIcon, ShieldIcon, SystemIcon } from '@/components/icons'
import { usePlatform, useSessionState } from '@/lib/context'
import type { User } from '@/lib/session'

const PAGES = [
  { path: '/account', title: 'Profile', Icon: PersonIcon },
  { path: '/account/security', title: 'Password and two-factor', Icon: ShieldIcon },
  { path: '/account/sessions', title: 'Sessions', Icon: SystemIcon },
  { path: '/account/api-keys', title: 'API keys', Icon: KeyIcon },
]

/** Who is logged in, with which roles, the pages of the account, and the way out. */
export function AccountMenu() {
  const { session } = usePlatform()
  const state = useSessionState()
  const [anchor, setAnchor] = useState<HTMLElement | null>(null)
  if (state.status !== 'authenticated') return null
  const { user } = state
  return (
    <>
      <IconButton
        edge="end"
        aria-label={`${initials(user.full_name)}, account of ${user.full_name}`}
        aria-haspopup="menu"
        aria-expanded={anchor !== null}
        onClick={(event) => setAnchor(event.currentTarget)}
      >
        <Avatar sx={{ width: 32, height: 32, fontSize: '0.8125rem', fontWeight: 650, bgcolor: 'primary.main', color: 'primary.contrastText' }}>
          {initials(user.full_name)}
        </Avatar>
      </IconButton>
      <Menu
        anchorEl={anchor}
        open={anchor !== null}
        onClose={() => setAnchor(null)}
        anchorOrigin={{ horizontal: 'right', vertical: 'bottom' }}
        transformOrigin={{ horizontal: 'right', vertical: 'top' }}
        slotProps={{ paper: { sx: { minWidth: 240 } } }}
      >
        <Identity user={user} />
        <Divider sx={{ my: 1 }} />
        {PAGES.map(({ path, title, Icon }) => (
          <MenuItem key={path} component={Link} to={path} onClick={() => setAnchor(null)}>
            <ListItemIcon>
              <Icon fontSize="small" />
            </ListItemIcon>
            {title}
          </MenuItem>
        ))}
        <Divider sx={{ my: 1 }} />
        <MenuItem onClick={() => void session.end()}>
          <ListItemIcon>
            <LogOutIcon fontSize="small" />
          </ListItemIcon>
          Log out
        </MenuItem>
      </Menu>
    </>
  )
}

function Identity({ user }: { user: User }) {
  return (
    <Box component="li" role="none" sx={{ px: 2, py: 1 }}>
      <Typography sx={{ fontWeight: 650 }}>{user.full_name}</Typography>
      <Typography variant="body2" color="textSecondary" sx={{ overflowWrap: 'anywhere' }}>
        {user.email}
      </Typography>
      <Box aria-label="Roles" sx={{ display: 'flex', gap: 0.5, flexWrap: 'wrap', mt: 1 }}>
        {user.roles.map((role) => (
          <Chip key={role} label={role} size="small" />
        ))}
      </Box>
    </Box>
  )
}

/** The first letters of the first and the last name. */
export function initials(name: string): string {
  const words = name.trim().split(/\s+/)
  return [words[0], words.length > 1 ? words.at(-1) : ''].map((word) => word?.charAt(0).toUpperCase()).join('')
}
