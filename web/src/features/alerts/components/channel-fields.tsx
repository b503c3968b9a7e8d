import Box from '@mui/material/Box'
import Button from '@mui/material/Button'
import IconButton from '@mui/material/IconButton'
import MenuItem from '@mui/material/MenuItem'
import Stack from '@mui/material/Stack'
import TextField from '@mui/material/TextField'
import Typography from '@mui/material/Typography'
import { CloseIcon, PlusIcon } from '@/components/icons'
import type { Channel } from '@/features/alerts/api/alert-rules'
import { type DraftChannel, newChannel } from '@/features/alerts/draft'
import { CHANNEL_TITLES, TEMPLATES } from '@/features/alerts/wording'

const MOST = 5
const HINTS: Record<Channel['kind'], string> = {
  in_app: 'The bell at the top tells you.',
  email: 'To the confirmed address of your account.',
  webhook: '',
}

interface ChannelFieldsProps {
  channels: readonly DraftChannel[]
  onChange: (channels: DraftChannel[]) => void
  wrong: (field: string) => string | undefined
}

/** Whom a rule tells, and how. */
export function ChannelFields({ channels, onChange, wrong }: ChannelFieldsProps) {
  const missing = (Object.keys(CHANNEL_TITLES) as Channel['kind'][]).filter((kind) => kind === 'webhook' || !channels.some((one) => one.kind === kind))
  const change = (changed: DraftChannel) => onChange(channels.map((one) => (one.key === changed.key ? changed : one)))
  return (
    <Box component="fieldset" sx={{ border: 0, m: 0, p: 0 }}>
      <Typography component="legend" variant="body2" color="textSecondary" sx={{ mb: 1 }}>
        Whom to tell
      </Typography>
      <Stack spacing={1.5}>
        {channels.map((channel, place) => (
          <ChannelCard
            key={channel.key}
            channel={channel}
            wrong={(field) => wrong(`channels.${place}.${field}`)}
            onChange={change}
            onRemove={() => onChange(channels.filter((one) => one.key !== channel.key))}
          />
        ))}
        <Stack direction="row" useFlexGap spacing={1} sx={{ flexWrap: 'wrap' }}>
          {channels.length < MOST &&
            missing.map((kind) => (
              <Button key={kind} size="small" color="inherit" startIcon={<PlusIcon />} onClick={() => onChange([...channels, newChannel(kind)])}>
                {CHANNEL_TITLES[kind]}
              </Button>
            ))}
        </Stack>
      </Stack>
    </Box>
  )
}

interface ChannelCardProps {
  channel: DraftChannel
  wrong: (field: string) => string | undefined
  onChange: (channel: DraftChannel) => void
  onRemove: () => void
}

function ChannelCard({ channel, wrong, onChange, onRemove }: ChannelCardProps) {
  const title = CHANNEL_TITLES[channel.kind]
  return (
    <Box sx={{ border: 1, borderColor: 'divider', borderRadius: 1, px: 2, py: 1 }}>
      <Stack direction="row" sx={{ alignItems: 'center', gap: 1.5 }}>
        <Typography variant="body2" sx={{ fontWeight: 600 }}>
          {title}
        </Typography>
        <Typography variant="body2" color="textSecondary" sx={{ flex: 1 }}>
          {HINTS[channel.kind]}
        </Typography>
        <IconButton size="small" aria-label={`Remove ${title}`} onClick={onRemove}>
          <CloseIcon fontSize="small" />
        </IconButton>
      </Stack>
      {channel.kind === 'webhook' && <WebhookFields channel={channel} wrong={wrong} onChange={onChange} />}
    </Box>
  )
}

function WebhookFields({ channel, wrong, onChange }: Omit<ChannelCardProps, 'onRemove'>) {
  const pagerduty = channel.template === 'pagerduty'
  const kept = channel.hasSecret ? (channel.url ? 'For a new address, say it again.' : 'Left empty, it stays as it is.') : ''
  return (
    <Stack spacing={1.5} sx={{ py: 1 }}>
      <TextField
        select
        size="small"
        label="Form"
        value={channel.template}
        onChange={(event) => onChange({ ...channel, template: event.target.value as DraftChannel['template'] })}
      >
        {TEMPLATES.map(({ template, title }) => (
          <MenuItem key={template} value={template}>
            {title}
          </MenuItem>
        ))}
      </TextField>
      <TextField
        size="small"
        label="Address"
        type="url"
        autoComplete="off"
        placeholder={channel.knownUrl || 'https://'}
        value={channel.url}
        onChange={(event) => onChange({ ...channel, url: event.target.value })}
        error={Boolean(wrong('url'))}
        helperText={wrong('url') ?? (channel.knownUrl ? `Kept: ${channel.knownUrl}` : pagerduty ? 'Left empty: PagerDuty’s own' : 'https, a public host')}
      />
      <TextField
        size="small"
        label={pagerduty ? 'Routing key' : 'Secret that signs it'}
        type="password"
        autoComplete="new-password"
        value={channel.secret}
        onChange={(event) => onChange({ ...channel, secret: event.target.value })}
        error={Boolean(wrong('secret'))}
        helperText={wrong('secret') ?? (kept || (pagerduty ? 'Of the integration' : 'Signs each notice by HMAC-SHA-256; never shown again'))}
      />
    </Stack>
  )
}
