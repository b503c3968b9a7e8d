import Box from '@mui/material/Box'
import Button from '@mui/material/Button'
import Stack from '@mui/material/Stack'
import { NavLink, Outlet } from 'react-router'
import { KeyIcon, PersonIcon, ShieldIcon, SystemIcon } from '@/components/icons'

const PAGES = [
  { path: '/account', title: 'Profile', Icon: PersonIcon },
  { path: '/account/security', title: 'Security', Icon: ShieldIcon },
  { path: '/account/sessions', title: 'Sessions', Icon: SystemIcon },
  { path: '/account/api-keys', title: 'API keys', Icon: KeyIcon },
]

/** The pages of one's own account: beside each other on a wide screen, above the page on a narrow one. */
export function AccountFrame() {
  return (
    <Box sx={{ display: 'grid', gap: { xs: 3, md: 6 }, gridTemplateColumns: { md: '200px minmax(0, 760px)' }, alignItems: 'start' }}>
      <Box
        component="nav"
        aria-label="Account"
        sx={{
          display: 'grid',
          gap: 0.5,
          gridTemplateColumns: { xs: 'repeat(2, 1fr)', sm: 'repeat(4, 1fr)', md: '1fr' },
          position: { md: 'sticky' },
          top: { md: 96 },
        }}
      >
        {PAGES.map(({ path, title, Icon }) => (
          <Button
            key={path}
            component={NavLink}
            to={path}
            end
            color="inherit"
            startIcon={<Icon />}
            sx={{
              justifyContent: 'flex-start',
              px: 1.5,
              color: 'text.secondary',
              '&.active': { color: 'text.primary', bgcolor: 'action.selected' },
            }}
          >
            {title}
          </Button>
        ))}
      </Box>
      <Stack spacing={3} sx={{ minWidth: 0 }}>
        <Outlet />
      </Stack>
    </Box>
  )
}
