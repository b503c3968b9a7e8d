import Alert from '@mui/material/Alert'
import { sentence } from '@/features/market-intel/prose'

/** What is to be known of sums: that they add up several currencies, and what else the answer notes. */
export function Currencies({ codes, notes = [] }: { codes: readonly string[]; notes?: readonly string[] }) {
  const said = [...(codes.length > 1 ? [`Amounts in ${codes.join(', ')} were added up as they stand. Choose one currency to keep them apart.`] : []), ...notes]
  return said.map((note) => (
    <Alert key={note} severity="info" variant="outlined" sx={{ bgcolor: 'background.paper' }}>
      {sentence(note)}
    </Alert>
  ))
}
