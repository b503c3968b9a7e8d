import Chip from '@mui/material/Chip'
import Stack from '@mui/material/Stack'
import { PageHeader } from '@/components/page-header'
import { EmailForm } from '@/features/account/components/email-form'
import { NameForm } from '@/features/account/components/name-form'
import { Facts, Section } from '@/features/account/components/section'
import { useSessionState } from '@/lib/context'
import { formatMoment } from '@/lib/format'

/** Who one is here: name, address, roles. */
export function ProfilePage() {
  const state = useSessionState()
  if (state.status !== 'authenticated') return null
  const { user } = state
  return (
    <>
      <PageHeader title="Profile" detail="Your name and address, and what you may do here." />
      <Section title="Name" detail="As others see it.">
        <NameForm key={user.full_name} name={user.full_name} />
      </Section>
      <Section
        title="E-mail address"
        detail="You log in with it, and mails about your account go there."
        action={
          <Chip
            size="small"
            label={user.email_verified ? 'Confirmed' : 'Not confirmed'}
            color={user.email_verified ? 'success' : 'default'}
            variant="outlined"
          />
        }
      >
        <EmailForm email={user.email} />
      </Section>
      <Section title="Access" detail="Administrators give roles; a role says what you may read and do.">
        <Facts
          facts={[
            ['Roles', user.roles.join(', ') || 'none'],
            ['Regions', user.regions.join(', ') || 'every region'],
            ...(user.created_at ? [['Member since', formatMoment(user.created_at)] as [string, string]] : []),
          ]}
        />
        <Stack component="ul" direction="row" aria-label="Permissions" sx={{ listStyle: 'none', m: 0, p: 0, flexWrap: 'wrap', gap: 0.75 }}>
          {user.permissions.map((permission) => (
            <li key={permission}>
              <Chip size="small" label={permission} />
            </li>
          ))}
        </Stack>
      </Section>
    </>
  )
}
