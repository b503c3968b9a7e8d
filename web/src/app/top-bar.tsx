import AppBar from '@mui/material/AppBar'
import Box from '@mui/material/Box'
import Container from '@mui/material/Container'
import IconButton from '@mui/material/IconButton'
import Toolbar from '@mui/material/Toolbar'
import { useState } from 'react'
import { Link } from 'react-router'
import { AccountMenu } from '@/app/account-menu'
import { NarrowNavigation, WideNavigation } from '@/app/navigation'
import { MenuIcon } from '@/components/icons'
import { Logo } from '@/components/logo'
import { ThemeSwitch } from '@/components/theme-switch'
import { AlertBell } from '@/features/alerts/components/alert-bell'

/** Product name, pages, theme and account; on a narrow screen the pages move into a drawer. */
export function TopBar() {
  const [open, setOpen] = useState(false)
  return (
    <AppBar
      position="sticky"
      elevation={0}
      color="inherit"
      sx={{ bgcolor: 'background.paper', backgroundImage: 'none', borderBottom: 1, borderColor: 'divider' }}
    >
      <Container maxWidth="xl">
        <Toolbar disableGutters sx={{ gap: { xs: 0.5, sm: 1 } }}>
          <IconButton edge="start" aria-label="Open the menu" onClick={() => setOpen(true)} sx={{ display: { lg: 'none' } }}>
            <MenuIcon />
          </IconButton>
          <Box component={Link} to="/" aria-label="Shop Insight, overview" sx={{ color: 'inherit', textDecoration: 'none', borderRadius: 1, mr: { lg: 1, xl: 3 } }}>
            <Logo />
          </Box>
          <WideNavigation />
          <Box sx={{ flex: 1 }} />
          <AlertBell />
          <ThemeSwitch />
          <AccountMenu />
        </Toolbar>
      </Container>
      <NarrowNavigation open={open} onClose={() => setOpen(false)} />
    </AppBar>
  )
}
