import Button from '@mui/material/Button'
import Chip from '@mui/material/Chip'
import Typography from '@mui/material/Typography'
import { useState } from 'react'
import type { ApiKey } from '@/features/account/api/api-keys'
import { ListedItem } from '@/features/account/components/listed'
import { Facts } from '@/features/account/components/section'
import { formatMoment } from '@/lib/format'

interface ApiKeyItemProps {
  of: ApiKey
  onRotate: () => void
  onRevoke: () => void
}

const SOON_MS = 7 * 86_400_000

/** One key: what it is for, what it may do, when it was used and when it ends. */
export function ApiKeyItem({ of, onRotate, onRevoke }: ApiKeyItemProps) {
  return (
    <ListedItem
      title={of.name}
      mark={<Mark of={of} />}
      actions={
        <>
          {!of.rotated && (
            <Button size="small" variant="outlined" onClick={onRotate} aria-label={`Rotate ${of.name}`}>
              Rotate
            </Button>
          )}
          <Button size="small" variant="outlined" color="error" onClick={onRevoke} aria-label={`Revoke ${of.name}`}>
            Revoke
          </Button>
        </>
      }
    >
      <Typography variant="body2" color="textSecondary" component="code" sx={{ fontFamily: 'ui-monospace, "DejaVu Sans Mono", monospace' }}>
        {`si_${of.prefix}_…`}
      </Typography>
      <Facts
        facts={[
          ['Last used', of.last_used_at ? formatMoment(of.last_used_at) : 'never'],
          ['Ends', of.expires_at ? formatMoment(of.expires_at) : 'unknown'],
          ['Made', of.created_at ? formatMoment(of.created_at) : 'unknown'],
          ['Scopes', of.scopes.join(', ')],
        ]}
      />
    </ListedItem>
  )
}

function Mark({ of }: { of: ApiKey }) {
  const [now] = useState(() => Date.now())
  if (of.rotated) return <Chip size="small" color="warning" variant="outlined" label="Has a successor" />
  const left = of.expires_at ? Date.parse(of.expires_at) - now : Infinity
  return left < SOON_MS ? <Chip size="small" color="warning" variant="outlined" label="Ends soon" /> : null
}
