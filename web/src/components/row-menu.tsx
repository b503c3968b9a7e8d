import Divider from '@mui/material/Divider'
import IconButton from '@mui/material/IconButton'
import Menu from '@mui/material/Menu'
import MenuItem from '@mui/material/MenuItem'
import { useState } from 'react'
import { MoreIcon } from '@/components/icons'

export interface RowAction {
  title: string
  onChoose: () => void
  /** Cannot be taken back: stands apart, in red. */
  danger?: boolean
}

/** What can be done with one row, behind one button. */
export function RowMenu({ label, actions }: { label: string; actions: readonly RowAction[] }) {
  const [anchor, setAnchor] = useState<HTMLElement | null>(null)
  const choose = (action: RowAction) => () => {
    setAnchor(null)
    action.onChoose()
  }
  const item = (action: RowAction) => (
    <MenuItem key={action.title} onClick={choose(action)} sx={action.danger ? { color: 'error.main' } : {}}>
      {action.title}
    </MenuItem>
  )
  const [calm, grave] = [actions.filter((action) => !action.danger), actions.filter((action) => action.danger)]
  return (
    <>
      <IconButton
        size="small"
        aria-label={label}
        aria-haspopup="menu"
        aria-expanded={anchor !== null}
        onClick={(event) => setAnchor(event.currentTarget)}
      >
        <MoreIcon fontSize="small" />
      </IconButton>
      <Menu anchorEl={anchor} open={anchor !== null} onClose={() => setAnchor(null)}>
        {calm.map(item)}
        {calm.length > 0 && grave.length > 0 && <Divider />}
        {grave.map(item)}
      </Menu>
    </>
  )
}
