import Button, { type ButtonProps } from '@mui/material/Button'
import { useEffect, useState } from 'react'
import { CheckIcon, CopyIcon } from '@/components/icons'

interface CopyButtonProps extends Omit<ButtonProps, 'onClick' | 'children'> {
  text: string
  /** What the button says before it was pressed. */
  label?: string
}

const SAID = { copied: 'Copied', refused: 'Select the text and copy it' } as const
const SAID_FOR_MS = 2_500

/** Puts a text on the clipboard and says so, to screen readers too. */
export function CopyButton({ text, label = 'Copy', ...button }: CopyButtonProps) {
  const [outcome, setOutcome] = useState<keyof typeof SAID>()
  useEffect(() => {
    if (!outcome) return
    const timer = setTimeout(() => setOutcome(undefined), SAID_FOR_MS)
    return () => clearTimeout(timer)
  }, [outcome])
  return (
    <Button
      size="small"
      startIcon={outcome === 'copied' ? <CheckIcon /> : <CopyIcon />}
      {...button}
      onClick={() => void copied(text).then((done) => setOutcome(done ? 'copied' : 'refused'))}
    >
      <span aria-live="polite">{outcome ? SAID[outcome] : label}</span>
    </Button>
  )
}

/** True if the text is on the clipboard. There is none outside HTTPS and loopback, and browsers may refuse. */
async function copied(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text)
    return true
  } catch {
    return false
  }
}
