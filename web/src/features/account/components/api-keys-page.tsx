import Button from '@mui/material/Button'
import { useState } from 'react'
import { ConfirmDialog } from '@/components/confirm-dialog'
import { PlusIcon } from '@/components/icons'
import { PageHeader } from '@/components/page-header'
import { SecretOnce } from '@/components/secret-once'
import { type ApiKey, useApiKeys, useRevokeApiKey } from '@/features/account/api/api-keys'
import { ApiKeyItem } from '@/features/account/components/api-key-item'
import { CreateKeyDialog } from '@/features/account/components/create-key-dialog'
import { Listed } from '@/features/account/components/listed'
import { RotateKeyDialog } from '@/features/account/components/rotate-key-dialog'
import { Section } from '@/features/account/components/section'

type Doing = { what: 'create' } | { what: 'rotate' | 'revoke'; key: ApiKey } | { what: 'keep'; secret: string }

/** Keys for programs: made, rotated, revoked. */
export function ApiKeysPage() {
  const keys = useApiKeys()
  const revoke = useRevokeApiKey()
  const [doing, setDoing] = useState<Doing>()
  const stop = () => {
    revoke.reset()
    setDoing(undefined)
  }
  const keep = (secret: string) => setDoing({ what: 'keep', secret })
  return (
    <>
      <PageHeader title="API keys" detail="With a key, a program of yours calls the API. It may do what its scopes say, as long as you may." />
      <Section
        title="Your keys"
        detail={
          <>
            A program sends its key in the header <code>X-API-Key</code>.
          </>
        }
        action={
          <Button variant="contained" startIcon={<PlusIcon />} onClick={() => setDoing({ what: 'create' })}>
            Make a key
          </Button>
        }
      >
        <Listed label="API keys" asked={keys} none="You have no keys yet.">
          {(key) => (
            <ApiKeyItem
              key={key.id}
              of={key}
              onRotate={() => setDoing({ what: 'rotate', key })}
              onRevoke={() => setDoing({ what: 'revoke', key })}
            />
          )}
        </Listed>
      </Section>
      {doing?.what === 'create' && <CreateKeyDialog onMade={keep} onClose={stop} />}
      {doing?.what === 'rotate' && <RotateKeyDialog of={doing.key} onMade={keep} onClose={stop} />}
      {doing?.what === 'revoke' && (
        <ConfirmDialog
          open
          title={`Revoke “${doing.key.name}”?`}
          detail="Programs that use it are refused within a second. This cannot be taken back."
          confirm="Revoke the key"
          busy={revoke.isPending}
          error={revoke.error}
          onConfirm={() => revoke.mutate(doing.key.id ?? '', { onSuccess: stop })}
          onClose={stop}
        />
      )}
      <SecretOnce title="Your new key" label="key" secret={doing?.what === 'keep' ? doing.secret : undefined} onDone={stop} />
    </>
  )
}
