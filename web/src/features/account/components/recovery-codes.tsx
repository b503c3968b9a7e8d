import Alert from '@mui/material/Alert'
import Box from '@mui/material/Box'
import Button from '@mui/material/Button'
import DialogActions from '@mui/material/DialogActions'
import DialogContent from '@mui/material/DialogContent'
import GlobalStyles from '@mui/material/GlobalStyles'
import { useState } from 'react'
import { CopyButton } from '@/components/copy-button'
import { DownloadIcon, PrintIcon } from '@/components/icons'
import { Kept } from '@/components/secret-once'
import { save } from '@/lib/save-file'

const FILE = 'shop-insight-recovery-codes.txt'

/** Last step: the codes for when the phone is lost, shown this once. */
export function RecoveryCodes({ codes, onDone }: { codes: readonly string[]; onDone: () => void }) {
  const [kept, setKept] = useState(false)
  const text = codes.join('\n')
  const download = () => save(new Blob([`Recovery codes of Shop Insight, each good once:\n\n${text}\n`], { type: 'text/plain' }), FILE)
  return (
    <>
      <GlobalStyles styles={CODES_ALONE} />
      <DialogContent sx={{ display: 'grid', gap: 2, pt: 0 }}>
        <Alert severity="success" variant="outlined">
          Two-factor login is on.
        </Alert>
        <Alert severity="warning" variant="outlined" role="note">
          Without your phone, one of these codes lets you in, each of them once. They are not shown again.
        </Alert>
        <Box
          component="ol"
          aria-label="Recovery codes"
          data-printed
          sx={{
            m: 0,
            p: 2,
            listStyle: 'none',
            display: 'grid',
            gridTemplateColumns: { sm: '1fr 1fr' },
            gap: 1,
            border: 1,
            borderColor: 'divider',
            borderRadius: 1,
            bgcolor: 'action.hover',
            fontFamily: 'ui-monospace, "DejaVu Sans Mono", monospace',
          }}
        >
          {codes.map((code) => (
            <li key={code}>{code}</li>
          ))}
        </Box>
        <Box sx={{ display: 'flex', flexWrap: 'wrap', gap: 1 }}>
          <CopyButton text={text} label="Copy" variant="outlined" />
          <Button size="small" variant="outlined" startIcon={<DownloadIcon />} onClick={download}>
            Download
          </Button>
          <Button size="small" variant="outlined" startIcon={<PrintIcon />} onClick={() => window.print()}>
            Print
          </Button>
        </Box>
        <Kept kept={kept} onChange={setKept} />
      </DialogContent>
      <DialogActions sx={{ px: 3, pb: 2.5 }}>
        <Button variant="contained" disabled={!kept} onClick={onDone}>
          Done
        </Button>
      </DialogActions>
    </>
  )
}

/** On paper the codes stand alone. */
const CODES_ALONE = {
  '@media print': {
    'body *': { visibility: 'hidden !important' },
    '[data-printed], [data-printed] *': { visibility: 'visible !important' },
    '[data-printed]': { position: 'fixed', inset: '2cm auto auto 2cm', color: '#000', background: '#fff' },
  },
}
