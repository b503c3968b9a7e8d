import IconButton from '@mui/material/IconButton'
import ListItemIcon from '@mui/material/ListItemIcon'
import Menu from '@mui/material/Menu'
import MenuItem from '@mui/material/MenuItem'
import { useColorScheme } from '@mui/material/styles'
import Tooltip from '@mui/material/Tooltip'
import { useState } from 'react'
import { MoonIcon, SunIcon, SystemIcon } from '@/components/icons'

const MODES = [
  { mode: 'light', title: 'Light', Icon: SunIcon },
  { mode: 'dark', title: 'Dark', Icon: MoonIcon },
  { mode: 'system', title: 'System', Icon: SystemIcon },
] as const

/** Chooses light, dark or the system's theme; the choice is remembered in this browser. */
export function ThemeSwitch() {
  const { mode = 'system', setMode } = useColorScheme()
  const [anchor, setAnchor] = useState<HTMLElement | null>(null)
  const current = MODES.find((option) => option.mode === mode) ?? MODES[2]
  const choose = (chosen: 'light' | 'dark' | 'system') => {
    setMode(chosen)
    setAnchor(null)
  }
  return (
    <>
      <Tooltip title="Theme">
        <IconButton
          aria-label={`Theme: ${current.title}`}
          aria-haspopup="menu"
          aria-expanded={anchor !== null}
          onClick={(event) => setAnchor(event.currentTarget)}
        >
          <current.Icon fontSize="small" />
        </IconButton>
      </Tooltip>
      <Menu anchorEl={anchor} open={anchor !== null} onClose={() => setAnchor(null)}>
        {MODES.map(({ mode: option, title, Icon }) => (
          <MenuItem
            key={option}
            role="menuitemradio"
            aria-checked={option === mode}
            selected={option === mode}
            onClick={() => choose(option)}
          >
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
