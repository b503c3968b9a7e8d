import Button from '@mui/material/Button'
import Typography from '@mui/material/Typography'
import { useState } from 'react'
import { ConfirmDialog } from '@/components/confirm-dialog'
import { type Consent, useConsents, useWithdrawConsent } from '@/features/account/api/consents'
import { Listed, ListedItem } from '@/features/account/components/listed'
import { Section } from '@/features/account/components/section'
import { formatMoment } from '@/lib/format'

/** Programs that one let act for oneself without asking again, and taking that back. */
export function Programs() {
  const consents = useConsents()
  const withdraw = useWithdrawConsent()
  // What was asked stays while the dialog fades out.
  const [asking, setAsking] = useState(false)
  const [chosen, setChosen] = useState<Consent>()
  const ask = (consent: Consent) => {
    withdraw.reset()
    setChosen(consent)
    setAsking(true)
  }
  return (
    <Section title="Programs" detail="They may act for you and need not ask again.">
      <Listed label="Programs" asked={consents} none="You have agreed to no program for more than once.">
        {(consent) => <Program key={consent.client_id} of={consent} onWithdraw={() => ask(consent)} />}
      </Listed>
      <ConfirmDialog
        open={asking}
        title={`Withdraw your agreement to ${chosen?.client_name ?? ''}?`}
        detail="All that it holds for you ends within a second. It may ask you again."
        confirm="Withdraw"
        busy={withdraw.isPending}
        error={withdraw.error}
        onConfirm={() => chosen && withdraw.mutate(chosen.client_id, { onSuccess: () => setAsking(false) })}
        onClose={() => setAsking(false)}
      />
    </Section>
  )
}

function Program({ of, onWithdraw }: { of: Consent; onWithdraw: () => void }) {
  return (
    <ListedItem
      title={of.client_name}
      actions={
        <Button size="small" variant="outlined" onClick={onWithdraw} aria-label={`Withdraw the agreement to ${of.client_name}`}>
          Withdraw
        </Button>
      }
    >
      {of.allows.map((sentence) => (
        <Typography key={sentence} variant="body2">
          {sentence}
        </Typography>
      ))}
      {of.granted_at && (
        <Typography variant="caption" color="textSecondary">
          Agreed to at {formatMoment(of.granted_at)}
        </Typography>
      )}
    </ListedItem>
  )
}
