import Box from '@mui/material/Box'
import Typography from '@mui/material/Typography'
import type { components } from '@/api/schema'
import { formatDay, formatMoment } from '@/lib/format'

export type Lineage = components['schemas']['common.v1.Lineage']

/** What the numbers were made from. */
export function LineageLine({ lineage }: { lineage: Lineage }) {
  return (
    <Box
      component="dl"
      aria-label="Where these numbers come from"
      sx={{ m: 0, display: 'flex', flexWrap: 'wrap', columnGap: 3, rowGap: 0.75 }}
    >
      <Fact title="Table" value={`${lineage.table}, version ${lineage.version}`} />
      {lineage.data_through_on && <Fact title="Data through" value={formatDay(lineage.data_through_on)} />}
      {lineage.model_name && <Fact title="Model" value={`${lineage.model_name} ${lineage.model_version}`} />}
      {lineage.computed_at && <Fact title="Computed" value={formatMoment(lineage.computed_at)} />}
    </Box>
  )
}

function Fact({ title, value }: { title: string; value: string }) {
  return (
    <Box sx={{ display: 'flex', gap: 0.75 }}>
      <Typography component="dt" variant="body2" color="textSecondary">
        {title}
      </Typography>
      <Typography component="dd" variant="body2" sx={{ m: 0, fontVariantNumeric: 'tabular-nums' }}>
        {value}
      </Typography>
    </Box>
  )
}
