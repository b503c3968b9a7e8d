import Box from '@mui/material/Box'
import Button from '@mui/material/Button'
import Dialog from '@mui/material/Dialog'
import DialogActions from '@mui/material/DialogActions'
import DialogContent from '@mui/material/DialogContent'
import DialogTitle from '@mui/material/DialogTitle'
import Typography from '@mui/material/Typography'
import { Fragment, useId } from 'react'
import type { Version } from '@/features/market-intel/api/versions'
import { modelTitle, otherFigures, ROLES, throughDay } from '@/features/market-intel/versions'
import { capitalised, formatFigure } from '@/features/market-intel/words'
import { formatDay, formatMoment } from '@/lib/format'

/** What a version was made from, and how it did. */
export function VersionDetails({ version, onClose }: { version: Version; onClose: () => void }) {
  const named = useId()
  return (
    <Dialog open onClose={onClose} aria-labelledby={named} maxWidth="sm" fullWidth>
      <DialogTitle id={named}>
        {modelTitle(version.name)}, version {version.version}
      </DialogTitle>
      <DialogContent>
        <Box component="dl" sx={{ m: 0, display: 'grid', gridTemplateColumns: { xs: '1fr', sm: 'auto 1fr' }, columnGap: 3, rowGap: { xs: 0.25, sm: 1.25 } }}>
          {factsOf(version).map(([title, value]) => (
            <Fragment key={title}>
              <Typography component="dt" variant="body2" color="textSecondary">
                {title}
              </Typography>
              <Typography component="dd" variant="body2" sx={{ m: 0, mb: { xs: 1, sm: 0 }, overflowWrap: 'anywhere', fontVariantNumeric: 'tabular-nums' }}>
                {value}
              </Typography>
            </Fragment>
          ))}
        </Box>
      </DialogContent>
      <DialogActions sx={{ px: 3, pb: 2.5 }}>
        <Button onClick={onClose}>Close</Button>
      </DialogActions>
    </Dialog>
  )
}

function factsOf(version: Version): [string, string][] {
  const { name, aliases = [], metrics, lake_versions, code_version, registered_at } = version
  const through = throughDay(version)
  const tables = Object.entries(lake_versions ?? {}).map(([table, at]) => `${table}, version ${at}`)
  return [
    ['Registered as', name],
    ['Role', aliases.map((alias) => [capitalised(alias), ROLES[alias]].filter(Boolean).join(': ')).join('; ') || 'None now'],
    ['MASE', formatFigure(metrics?.mase, '')],
    ['Series', formatFigure(metrics?.series, '')],
    ...otherFigures(version).map(([figure, value]): [string, string] => [capitalised(figure), formatFigure(value, '')]),
    ['Data through', through ? formatDay(through) : '–'],
    ['Registered', registered_at ? formatMoment(registered_at) : '–'],
    ['Learnt from', tables.join('; ') || '–'],
    ['Code', code_version || '–'],
  ]
}
