import Box from '@mui/material/Box'
import Checkbox from '@mui/material/Checkbox'
import FormControlLabel from '@mui/material/FormControlLabel'
import FormHelperText from '@mui/material/FormHelperText'
import Typography from '@mui/material/Typography'
import { useId } from 'react'
import { groupBy } from '@/lib/group-by'

interface ScopeChoiceProps {
  /** Permissions of the person: a key may do no more. */
  held: readonly string[]
  chosen: readonly string[]
  onChange: (chosen: readonly string[]) => void
  wrong: string | undefined
}

/** Which of one's permissions a key is given, a line for each system. */
export function ScopeChoice({ held, chosen, onChange, wrong }: ScopeChoiceProps) {
  const legend = useId()
  const flip = (scope: string) =>
    onChange(chosen.includes(scope) ? chosen.filter((other) => other !== scope) : [...chosen, scope])
  return (
    <Box role="group" aria-labelledby={legend}>
      <Typography id={legend} variant="body2" sx={{ fontWeight: 600, mb: 0.5 }}>
        What it may do
      </Typography>
      <Typography variant="body2" color="textSecondary" sx={{ mb: 1 }}>
        No more than the program needs: whoever finds the key may do the same.
      </Typography>
      <Box sx={{ border: 1, borderColor: wrong ? 'error.main' : 'divider', borderRadius: 1, px: 2, py: 0.5 }}>
        {[...groupBy(held, (scope) => scope.split(':')[0] ?? scope)].map(([system, scopes]) => (
          <Box key={system} sx={{ display: 'flex', flexWrap: 'wrap', alignItems: 'center', columnGap: 1 }}>
            <Typography variant="body2" sx={{ width: 120 }}>
              {system}
            </Typography>
            {scopes.map((scope) => (
              <FormControlLabel
                key={scope}
                control={
                  <Checkbox
                    size="small"
                    checked={chosen.includes(scope)}
                    onChange={() => flip(scope)}
                    slotProps={{ input: { 'aria-label': scope } }}
                  />
                }
                label={<Typography variant="body2">{scope.split(':')[1]}</Typography>}
              />
            ))}
          </Box>
        ))}
        {held.length === 0 && <Typography color="textSecondary">Your roles allow nothing that a key could do.</Typography>}
      </Box>
      {wrong && <FormHelperText error>{wrong}</FormHelperText>}
    </Box>
  )
}
