import Button from '@mui/material/Button'
import Checkbox from '@mui/material/Checkbox'
import FormControlLabel from '@mui/material/FormControlLabel'
import Stack from '@mui/material/Stack'
import Typography from '@mui/material/Typography'
import { useEffect, useRef, useState } from 'react'
import { useSearchParams } from 'react-router'
import { FullPageSpinner } from '@/components/full-page-spinner'
import { ProblemNotice } from '@/components/problem-notice'
import { StandalonePage } from '@/components/standalone-page'
import { authorizationIn, type Decision, useConsent, useConsentPrompt } from '@/features/auth/api/consent'
import { problemFromError } from '@/lib/problem'

interface AuthorizePageProps {
  /** Leaves the app; a test hands in its own. */
  leave?: (address: string) => void
}

/** Asks whether a program may act for the person who is logged in. */
export function AuthorizePage({ leave = (address) => window.location.assign(address) }: AuthorizePageProps) {
  const [query] = useSearchParams()
  const request = authorizationIn(query)
  const prompt = useConsentPrompt(request)
  const consent = useConsent(request)
  const [remember, setRemember] = useState(false)
  const decide = (decision: Decision) =>
    consent.mutate(decision, { onSuccess: ({ redirect_to }) => redirect_to && leave(redirect_to) })

  const remembered = prompt.data?.remembered ?? false
  const agreed = useRef(false)
  useEffect(() => {
    if (!remembered || agreed.current) return
    agreed.current = true
    decide({ approve: true })
  })

  if (prompt.isPending || (remembered && !consent.isError)) return <FullPageSpinner />
  if (prompt.isError)
    return (
      <StandalonePage title="This request cannot be granted" detail="A program sent you here to ask for access, but what it asks for is not right.">
        <ProblemNotice problem={problemFromError(prompt.error)} />
      </StandalonePage>
    )
  const { client_name, client_host, allows, can_remember } = prompt.data
  const busy = consent.isPending || consent.isSuccess
  return (
    <StandalonePage
      eyebrow="Access"
      title={`Let ${client_name} act for you?`}
      detail={`Only agree if you came here from ${client_host} and meant to. You can end its session in your profile.`}
    >
      <Stack spacing={3}>
        <Stack component="ul" spacing={0.5} aria-label="What it could do" sx={{ m: 0, pl: 3, maxHeight: 320, overflowY: 'auto' }}>
          {allows.map((sentence) => (
            <Typography component="li" variant="body2" key={sentence}>
              {sentence}
            </Typography>
          ))}
        </Stack>
        {can_remember && (
          <FormControlLabel
            control={<Checkbox checked={remember} onChange={(_, checked) => setRemember(checked)} disabled={busy} />}
            label="Do not ask again for this"
          />
        )}
        {consent.error && <ProblemNotice problem={problemFromError(consent.error)} />}
        <Stack direction="row" spacing={1.5}>
          <Button variant="contained" onClick={() => decide({ approve: true, remember })} loading={busy && consent.variables.approve}>
            Allow
          </Button>
          <Button onClick={() => decide({ approve: false })} disabled={busy}>
            Refuse
          </Button>
        </Stack>
      </Stack>
    </StandalonePage>
  )
}
