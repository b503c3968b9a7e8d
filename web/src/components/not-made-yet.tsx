import Box from '@mui/material/Box'
import Button from '@mui/material/Button'
import Card from '@mui/material/Card'
import IconButton from '@mui/material/IconButton'
import Stack from '@mui/material/Stack'
import Tooltip from '@mui/material/Tooltip'
import Typography from '@mui/material/Typography'
import { useId, useState } from 'react'
import { CheckIcon, CopyIcon, RefreshIcon } from '@/components/icons'
import type { Problem } from '@/lib/problem'

interface NotMadeYetProps {
  /** What is not there, such as `No segments yet`. */
  title: string
  Icon: typeof RefreshIcon
  problem: Problem
  onRetry: () => void
  busy: boolean
}

/** Shown before the first pipeline run: says which command makes what is missing. */
export function NotMadeYet({ title, Icon, problem, onRetry, busy }: NotMadeYetProps) {
  const heading = useId()
  const command = commandIn(problem.message)
  return (
    <Card component="section" aria-labelledby={heading} sx={{ px: 3, py: { xs: 5, md: 8 } }}>
      <Stack spacing={2.5} sx={{ alignItems: 'center', textAlign: 'center', maxWidth: 520, mx: 'auto' }}>
        <Box sx={{ color: 'text.secondary', display: 'grid', placeItems: 'center', width: 56, height: 56, borderRadius: '50%', bgcolor: 'action.hover' }}>
          <Icon />
        </Box>
        <Stack spacing={0.75}>
          <Typography variant="h2" id={heading}>
            {title}
          </Typography>
          <Typography color="textSecondary">
            {command ? 'They are made by the pipeline, which has not run yet. On the machine that runs the platform:' : problem.message}
          </Typography>
        </Stack>
        {command && <Command text={command} />}
        <Button variant="contained" startIcon={<RefreshIcon />} onClick={onRetry} loading={busy} loadingPosition="start">
          Check again
        </Button>
        {problem.traceId && (
          <Typography variant="caption" color="textSecondary">
            Trace id <code>{problem.traceId}</code>
          </Typography>
        )}
      </Stack>
    </Card>
  )
}

/** The command that the server names between backticks. */
export function commandIn(detail: string): string | undefined {
  return detail.match(/`([^`]+)`/)?.[1]
}

function Command({ text }: { text: string }) {
  const [copied, setCopied] = useState(false)
  const copy = () => void navigator.clipboard.writeText(text).then(() => setCopied(true))
  return (
    <Box sx={{ display: 'flex', alignItems: 'center', gap: 1, pl: 2, pr: 0.75, py: 0.5, borderRadius: 1, border: 1, borderColor: 'divider', bgcolor: 'background.default' }}>
      <Box component="code" sx={{ fontFamily: 'ui-monospace, monospace', fontSize: '0.875rem' }}>
        {text}
      </Box>
      <Tooltip title={copied ? 'Copied' : 'Copy'}>
        <IconButton size="small" aria-label={copied ? 'Copied' : 'Copy the command'} onClick={copy}>
          {copied ? <CheckIcon fontSize="small" /> : <CopyIcon fontSize="small" />}
        </IconButton>
      </Tooltip>
    </Box>
  )
}
