import type { TextFieldProps } from '@mui/material/TextField'

/** The properties of a required text field: its value, and what the server found wrong with it. */
export function entry(value: string, onChange: (value: string) => void, wrong: string | undefined): TextFieldProps {
  return {
    required: true,
    value,
    onChange: (event) => onChange(event.target.value),
    error: Boolean(wrong),
    helperText: wrong,
  }
}
