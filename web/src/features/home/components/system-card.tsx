import Box from '@mui/material/Box'
import Card from '@mui/material/Card'
import CardActionArea from '@mui/material/CardActionArea'
import Chip from '@mui/material/Chip'
import Typography from '@mui/material/Typography'
import type { ReactNode } from 'react'
import { Link } from 'react-router'
import { ArrowIcon, ChartIcon, ChatIcon, GlobeIcon, ShieldIcon, UsersIcon } from '@/components/icons'
import type { System } from '@/features/home/api/get-systems'

const ICONS: Record<string, typeof ChartIcon> = {
  market_intel: ChartIcon,
  demand: UsersIcon,
  compliance: ShieldIcon,
  copilot: ChatIcon,
  market_pulse: GlobeIcon,
}

/** The page to open for a system; a system without one is used through the API. */
const PAGES: Record<string, { path: string; title: string }> = {
  market_intel: { path: '/market-intelligence', title: 'Market intelligence' },
  demand: { path: '/demand/segments', title: 'Customer segments' },
}

const STATUS = {
  up: { label: 'Running', color: 'success' },
  down: { label: 'Not answering', color: 'error' },
  not_running: { label: 'Not running', color: 'default' },
} as const

/** What a system is for and whether it runs; a link only where there is something to open. */
export function SystemCard({ system }: { system: System }) {
  const page = system.status === 'up' ? PAGES[system.name] : undefined
  return (
    <Card component="li" sx={{ borderStyle: system.status === 'not_running' ? 'dashed' : 'solid', bgcolor: system.status === 'not_running' ? 'transparent' : 'background.paper' }}>
      {page ? (
        <CardActionArea component={Link} to={page.path} sx={{ height: '100%' }}>
          <Body system={system} footer={<Open title={page.title} />} />
        </CardActionArea>
      ) : (
        <Body system={system} footer={<Note system={system} />} />
      )}
    </Card>
  )
}

function Body({ system, footer }: { system: System; footer: ReactNode }) {
  const Icon = ICONS[system.name] ?? ChartIcon
  const quiet = system.status === 'not_running'
  const status = STATUS[system.status]
  return (
    <Box sx={{ p: 2.5, height: '100%', display: 'flex', flexDirection: 'column', gap: 1.5 }}>
      <Box sx={{ display: 'flex', justifyContent: 'space-between', alignItems: 'flex-start' }}>
        <Box
          sx={{
            display: 'grid',
            placeItems: 'center',
            width: 40,
            height: 40,
            borderRadius: 1,
            color: quiet ? 'text.secondary' : 'primary.main',
            bgcolor: quiet ? 'action.hover' : 'color-mix(in srgb, var(--si-palette-primary-main) 12%, transparent)',
          }}
        >
          <Icon />
        </Box>
        <Chip size="small" variant={quiet ? 'outlined' : 'filled'} label={status.label} color={status.color} sx={chipTone(system.status)} />
      </Box>
      <Box sx={{ flex: 1 }}>
        <Typography variant="h2" sx={{ mb: 0.5 }}>
          {system.title}
        </Typography>
        <Typography variant="body2" color="textSecondary">
          {system.description}
        </Typography>
      </Box>
      {footer}
    </Box>
  )
}

function Open({ title }: { title: string }) {
  return (
    <Typography
      variant="body2"
      color="primary"
      sx={{ fontWeight: 600, display: 'flex', alignItems: 'center', gap: 0.75 }}
    >
      {title} <ArrowIcon sx={{ fontSize: 18 }} />
    </Typography>
  )
}

function Note({ system }: { system: System }) {
  return (
    <Typography variant="body2" color="textSecondary">
      {NOTES[system.status](system)}
    </Typography>
  )
}

const NOTES: Record<System['status'], (system: System) => string> = {
  up: (system) => `Available over the API under /api/v1/${system.prefix}.`,
  down: () => 'Its service is set up but does not answer. It comes back by itself once the service does.',
  not_running: () => 'No service of this system runs in this installation.',
}

/** Soft chips: the status is read, not shouted. */
function chipTone(status: System['status']) {
  if (status === 'not_running') return { color: 'text.secondary' }
  const color = status === 'up' ? 'success' : 'error'
  return {
    color: `${color}.main`,
    fontWeight: 600,
    bgcolor: `color-mix(in srgb, var(--si-palette-${color}-main) 14%, transparent)`,
  }
}
