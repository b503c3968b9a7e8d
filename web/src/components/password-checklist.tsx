import Box from '@mui/material/Box'
import Typography from '@mui/material/Typography'
import { CheckIcon, CircleIcon, InfoIcon } from '@/components/icons'
import type { PasswordRule } from '@/components/password-rules'

/** The password rules with a tick at those already met, said to screen readers as they change. */
export function PasswordChecklist({ rules }: { rules: PasswordRule[] }) {
  return (
    <Box component="ul" aria-label="Password rules" sx={{ listStyle: 'none', m: 0, p: 0, display: 'grid', gap: 0.5 }}>
      {rules.map((rule) => (
        <Rule key={rule.text} rule={rule} />
      ))}
    </Box>
  )
}

function Rule({ rule }: { rule: PasswordRule }) {
  const Icon = rule.met === undefined ? InfoIcon : rule.met ? CheckIcon : CircleIcon
  return (
    <Typography
      component="li"
      variant="body2"
      sx={{ display: 'flex', gap: 1, alignItems: 'center', color: rule.met ? 'success.main' : 'text.secondary' }}
    >
      <Icon sx={{ fontSize: 18 }} titleAccess={rule.met === undefined ? 'Note' : rule.met ? 'Met' : 'Not met yet'} />
      {rule.text}
    </Typography>
  )
}
