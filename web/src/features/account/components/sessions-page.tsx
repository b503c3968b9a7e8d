import Button from '@mui/material/Button'
import Chip from '@mui/material/Chip'
import { useState } from 'react'
import { ConfirmDialog } from '@/components/confirm-dialog'
import { PageHeader } from '@/components/page-header'
import { type LoginSession, useEndSessions, useSessions } from '@/features/account/api/sessions'
import { Listed, ListedItem } from '@/features/account/components/listed'
import { Programs } from '@/features/account/components/programs'
import { Facts, Section } from '@/features/account/components/section'
import { deviceName } from '@/features/account/user-agent'
import { usePlatform } from '@/lib/context'
import { formatMoment } from '@/lib/format'

/** Where one is logged in, and ending that. */
export function SessionsPage() {
  const { session } = usePlatform()
  const sessions = useSessions()
  const end = useEndSessions()
  // What was asked stays while the dialog fades out.
  const [asking, setAsking] = useState(false)
  const [ending, setEnding] = useState<LoginSession[]>([])
  const others = sessions.data?.filter((one) => !one.current) ?? []
  const ask = (chosen: LoginSession[]) => {
    end.reset()
    setEnding(chosen)
    setAsking(true)
  }
  return (
    <>
      <PageHeader title="Sessions" detail="Where you are logged in, and programs that you let act for you." />
      <Section
        title="Running sessions"
        detail="If you do not know one of them, end it and change your password."
        action={
          others.length > 0 && (
            <Button variant="outlined" color="error" onClick={() => ask(others)}>
              End all others
            </Button>
          )
        }
      >
        <Listed label="Sessions" asked={sessions} none="There is no session.">
          {(one) => (
            <SessionItem key={one.id} of={one} onEnd={() => (one.current ? void session.end() : ask([one]))} />
          )}
        </Listed>
      </Section>
      <Programs />
      <ConfirmDialog
        open={asking}
        {...question(ending)}
        busy={end.isPending}
        error={end.error}
        onConfirm={() => end.mutate(ending.map(({ id }) => id), { onSuccess: () => setAsking(false) })}
        onClose={() => setAsking(false)}
      />
    </>
  )
}

function SessionItem({ of, onEnd }: { of: LoginSession; onEnd: () => void }) {
  const name = deviceName(of.user_agent ?? '')
  return (
    <ListedItem
      title={name}
      mark={of.current && <Chip size="small" color="primary" variant="outlined" label="This session" />}
      actions={
        <Button size="small" variant="outlined" onClick={onEnd} aria-label={of.current ? 'Log out' : `End the session of ${name}, ${of.address}`}>
          {of.current ? 'Log out' : 'End'}
        </Button>
      }
    >
      <Facts
        facts={[
          ['Last used', moment(of.last_used_at)],
          ['Address', of.address || 'unknown'],
          ['Began', moment(of.created_at)],
          ['Ends if unused', moment(of.expires_at)],
        ]}
      />
    </ListedItem>
  )
}

const moment = (at: string | undefined) => (at ? formatMoment(at) : 'unknown')

function question(ending: LoginSession[]) {
  const [first, ...more] = ending
  if (!first || more.length)
    return {
      title: 'End all other sessions?',
      detail: `${ending.length} sessions end within a second; whoever uses them has to log in again. This one goes on.`,
      confirm: 'End them',
    }
  return {
    title: 'End this session?',
    detail: `${deviceName(first.user_agent ?? '')} at ${first.address || 'an unknown address'} is logged out within a second.`,
    confirm: 'End it',
  }
}
