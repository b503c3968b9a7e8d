import IconButton from '@mui/material/IconButton'
import InputAdornment from '@mui/material/InputAdornment'
import TextField, { type TextFieldProps } from '@mui/material/TextField'
import { useState } from 'react'
import { HiddenIcon, VisibleIcon } from '@/components/icons'

/** A password field whose text can be shown. */
export function PasswordField(props: TextFieldProps) {
  const [visible, setVisible] = useState(false)
  const Icon = visible ? HiddenIcon : VisibleIcon
  return (
    <TextField
      {...props}
      type={visible ? 'text' : 'password'}
      slotProps={{
        input: {
          endAdornment: (
            <InputAdornment position="end">
              <IconButton
                edge="end"
                aria-label={visible ? 'Hide the password' : 'Show the password'}
                aria-pressed={visible}
                onClick={() => setVisible(!visible)}
              >
                <Icon fontSize="small" />
              </IconButton>
            </InputAdornment>
          ),
        },
      }}
    />
  )
}
