import AppBar from '@mui/material/AppBar'
import Box from '@mui/material/Box'
import Button from '@mui/material/Button'
import Container from '@mui/material/Container'
import Drawer from '@mui/material/Drawer'
import IconButton from '@mui/material/IconButton'
import List from '@mui/material/List'
import ListItemButton from '@mui/material/ListItemButton'
import ListItemIcon from '@mui/material/ListItemIcon'
import ListItemText from '@mui/material/ListItemText'
import Toolbar from '@mui/material/Toolbar'
import { useState } from 'react'
import { Link, NavLink } from 'react-router'
import { AccountMenu } from '@/app/account-menu'
import { ThemeSwitch } from '@/components/theme-switch'
import { BookIcon, CloseIcon, HomeIcon, MenuIcon, PipelineIcon, SegmentsIcon } from '@/components/icons'
import { Logo } from '@/components/logo'
import { useSessionState } from '@/lib/context'

const PAGES: { path: string; title: string; Icon: typeof HomeIcon; permission?: string }[] = [
  { path: '/', title: 'Overview', Icon: HomeIcon },
  { path: '/demand/segments', title: 'Customer segments', Icon: SegmentsIcon },
  { path: '/pipeline', title: 'Data pipeline', Icon: PipelineIcon, permission: 'pipeline:read' },
]
/** The pages that the person may open. */
function usePages() {
  const state = useSessionState()
  const held = state.status === 'authenticated' ? state.user.permissions : []
  return PAGES.filter(({ permission }) => !permission || held.includes(permission))
}

const DOCS = { path: '/api/v1/docs', title: 'API reference', Icon: BookIcon }

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
        <Toolbar disableGutters sx={{ gap: 1 }}>
          <IconButton
            edge="start"
            aria-label="Open the menu"
            onClick={() => setOpen(true)}
            sx={{ display: { md: 'none' } }}
          >
            <MenuIcon />
          </IconButton>
          <Box component={Link} to="/" aria-label="Shop Insight, overview" sx={{ color: 'inherit', textDecoration: 'none', borderRadius: 1, mr: 3 }}>
            <Logo />
          </Box>
          <WideNavigation />
          <Box sx={{ flex: 1 }} />
          <ThemeSwitch />
          <AccountMenu />
        </Toolbar>
      </Container>
      <NarrowNavigation open={open} onClose={() => setOpen(false)} />
    </AppBar>
  )
}

function WideNavigation() {
  const pages = usePages()
  return (
    <Box component="nav" aria-label="Pages" sx={{ display: { xs: 'none', md: 'flex' }, gap: 0.5 }}>
      {pages.map(({ path, title }) => (
        <Button
          key={path}
          component={NavLink}
          to={path}
          end
          color="inherit"
          sx={{
            color: 'text.secondary',
            px: 1.5,
            '&.active': { color: 'text.primary', bgcolor: 'action.selected' },
          }}
        >
          {title}
        </Button>
      ))}
      <Button href={DOCS.path} target="_blank" rel="noopener" color="inherit" sx={{ color: 'text.secondary', px: 1.5 }}>
        {DOCS.title}
      </Button>
    </Box>
  )
}

function NarrowNavigation({ open, onClose }: { open: boolean; onClose: () => void }) {
  const pages = usePages()
  return (
    <Drawer open={open} onClose={onClose} slotProps={{ paper: { sx: { width: 280, p: 1.5 } } }}>
      <Box sx={{ display: 'flex', justifyContent: 'space-between', alignItems: 'center', pl: 1, pb: 1 }}>
        <Logo />
        <IconButton aria-label="Close the menu" onClick={onClose}>
          <CloseIcon />
        </IconButton>
      </Box>
      <List component="nav" aria-label="Pages">
        {pages.map(({ path, title, Icon }) => (
          <ListItemButton
            key={path}
            component={NavLink}
            to={path}
            end
            onClick={onClose}
            sx={{ borderRadius: 1, '&.active': { bgcolor: 'action.selected' } }}
          >
            <ListItemIcon sx={{ minWidth: 40 }}>
              <Icon fontSize="small" />
            </ListItemIcon>
            <ListItemText primary={title} />
          </ListItemButton>
        ))}
        <ListItemButton component="a" href={DOCS.path} target="_blank" rel="noopener" sx={{ borderRadius: 1 }}>
          <ListItemIcon sx={{ minWidth: 40 }}>
            <DOCS.Icon fontSize="small" />
          </ListItemIcon>
          <ListItemText primary={DOCS.title} />
        </ListItemButton>
      </List>
    </Drawer>
  )
}
