import Button from '@mui/material/Button'
import Dialog from '@mui/material/Dialog'
import DialogActions from '@mui/material/DialogActions'
import DialogContent from '@mui/material/DialogContent'
import DialogTitle from '@mui/material/DialogTitle'
import Typography from '@mui/material/Typography'
import { useId } from 'react'
import { type Column, DataTable } from '@/components/data-table'
import { ToneChip } from '@/components/tone-chip'
import { type AlertEvent, type AlertRule, useAlertEvents } from '@/features/alerts/api/alert-rules'
import { deliveryWords, eventStanding } from '@/features/alerts/wording'
import { formatSecond } from '@/lib/format'
import { usePages } from '@/lib/use-pages'

/** When a rule fired and was resolved, and how each channel took it. */
export function EventsDialog({ rule, onClose }: { rule: AlertRule; onClose: () => void }) {
  const heading = useId()
  const { token, pages } = usePages(rule.id)
  const events = useAlertEvents(rule.id, token)
  return (
    <Dialog open onClose={onClose} fullWidth maxWidth="md" aria-labelledby={heading}>
      <DialogTitle id={heading}>What happened to {rule.name}</DialogTitle>
      <DialogContent>
        <DataTable
          label="Events"
          columns={COLUMNS}
          rows={events.data?.items ?? []}
          rowKey={(event) => String(event.event_id)}
          asked={events}
          empty="It has never fired."
          pages={pages(events.data)}
          minWidth={640}
        />
      </DialogContent>
      <DialogActions sx={{ px: 3, pb: 2.5 }}>
        <Button onClick={onClose}>Close</Button>
      </DialogActions>
    </Dialog>
  )
}

const COLUMNS: Column<AlertEvent>[] = [
  { title: 'What', heads: true, cell: (event) => <ToneChip {...eventStanding(event)} /> },
  { title: 'When', nowrap: true, cell: ({ at }) => formatSecond(at) },
  { title: 'Why', cell: ({ detail }) => detail },
  { title: 'Told', cell: (event) => <Deliveries event={event} /> },
]

export function Deliveries({ event }: { event: AlertEvent }) {
  const told = [...(event.in_app ? ['In this app'] : []), ...event.deliveries.map(deliveryWords)]
  return (
    <>
      {told.map((words, place) => (
        <Typography key={place} variant="body2" sx={{ overflowWrap: 'anywhere' }}>
          {words}
        </Typography>
      ))}
    </>
  )
}
