import Box from '@mui/material/Box'
import Button from '@mui/material/Button'
import Drawer from '@mui/material/Drawer'
import IconButton from '@mui/material/IconButton'
import List from '@mui/material/List'
import ListItem from '@mui/material/ListItem'
import ListItemButton from '@mui/material/ListItemButton'
import ListItemIcon from '@mui/material/ListItemIcon'
import ListItemText from '@mui/material/ListItemText'
import Menu from '@mui/material/Menu'
import MenuItem from '@mui/material/MenuItem'
import Typography from '@mui/material/Typography'
import { useState } from 'react'
import { NavLink, useLocation } from 'react-router'
import { DOCS, type Page, useOpenPages } from '@/app/pages'
import { CloseIcon, ExpandIcon } from '@/components/icons'
import { Logo } from '@/components/logo'

const LINK = {
  color: 'text.secondary',
  flex: 'none',
  px: { lg: 1, xl: 1.5 },
  whiteSpace: 'nowrap',
  '&.active': { color: 'text.primary', bgcolor: 'action.selected' },
}

/** The pages in a row, which scrolls where the letters are too wide for it; those of administration behind one button. */
export function WideNavigation() {
  const { common, administration } = useOpenPages()
  return (
    <Box component="nav" aria-label="Pages" sx={{ display: { xs: 'none', lg: 'flex' }, gap: { xl: 0.5 }, minWidth: 0, overflowX: 'auto', py: 0.5 }}>
      {common.map(({ path, title, folder = false }) => (
        <Button key={path} component={NavLink} to={path} end={!folder} color="inherit" sx={LINK}>
          {title}
        </Button>
      ))}
      {administration.length > 0 && <Administration pages={administration} />}
      <Button href={DOCS.path} target="_blank" rel="noopener" color="inherit" sx={LINK}>
        {DOCS.title}
      </Button>
    </Box>
  )
}

function Administration({ pages }: { pages: Page[] }) {
  const [anchor, setAnchor] = useState<HTMLElement | null>(null)
  const { pathname } = useLocation()
  const here = pages.some(({ path }) => path === pathname)
  return (
    <>
      <Button
        color="inherit"
        endIcon={<ExpandIcon />}
        aria-haspopup="menu"
        aria-expanded={anchor !== null}
        onClick={(event) => setAnchor(event.currentTarget)}
        className={here ? 'active' : ''}
        sx={LINK}
      >
        Administration
      </Button>
      <Menu anchorEl={anchor} open={anchor !== null} onClose={() => setAnchor(null)}>
        {pages.map(({ path, title, Icon }) => (
          <MenuItem key={path} component={NavLink} to={path} onClick={() => setAnchor(null)} selected={path === pathname}>
            <ListItemIcon>
              <Icon fontSize="small" />
            </ListItemIcon>
            {title}
          </MenuItem>
        ))}
      </Menu>
    </>
  )
}

/** The pages in a drawer, where there is no room for a row. */
export function NarrowNavigation({ open, onClose }: { open: boolean; onClose: () => void }) {
  const { common, administration } = useOpenPages()
  return (
    <Drawer open={open} onClose={onClose} slotProps={{ paper: { sx: { width: 280, p: 1.5 } } }}>
      <Box sx={{ display: 'flex', justifyContent: 'space-between', alignItems: 'center', pl: 1, pb: 1 }}>
        <Logo />
        <IconButton aria-label="Close the menu" onClick={onClose}>
          <CloseIcon />
        </IconButton>
      </Box>
      <Box component="nav" aria-label="Pages">
        <List>
          {common.map((page) => (
            <DrawerLink key={page.path} page={page} onClose={onClose} />
          ))}
          <ListItem disablePadding>
            <ListItemButton component="a" href={DOCS.path} target="_blank" rel="noopener" sx={{ borderRadius: 1 }}>
              <DrawerWords page={DOCS} />
            </ListItemButton>
          </ListItem>
        </List>
        {administration.length > 0 && (
          <>
            <Typography variant="overline" color="textSecondary" sx={{ pl: 2 }}>
              Administration
            </Typography>
            <List>
              {administration.map((page) => (
                <DrawerLink key={page.path} page={page} onClose={onClose} />
              ))}
            </List>
          </>
        )}
      </Box>
    </Drawer>
  )
}

function DrawerLink({ page, onClose }: { page: Page; onClose: () => void }) {
  return (
    <ListItem disablePadding>
      <ListItemButton component={NavLink} to={page.path} end={!page.folder} onClick={onClose} sx={{ borderRadius: 1, '&.active': { bgcolor: 'action.selected' } }}>
        <DrawerWords page={page} />
      </ListItemButton>
    </ListItem>
  )
}

function DrawerWords({ page: { title, Icon } }: { page: Page }) {
  return (
    <>
      <ListItemIcon sx={{ minWidth: 40 }}>
        <Icon fontSize="small" />
      </ListItemIcon>
      <ListItemText primary={title} />
    </>
  )
}
