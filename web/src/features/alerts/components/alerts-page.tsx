import Button from '@mui/material/Button'
import Stack from '@mui/material/Stack'
import Switch from '@mui/material/Switch'
import Typography from '@mui/material/Typography'
import { useState } from 'react'
import { ConfirmDialog } from '@/components/confirm-dialog'
import { type Column, DataTable } from '@/components/data-table'
import { PlusIcon } from '@/components/icons'
import { PageHeader } from '@/components/page-header'
import { type RowAction, RowMenu } from '@/components/row-menu'
import { Said } from '@/components/said'
import { ToneChip } from '@/components/tone-chip'
import { type AlertRule, type Figure, useAlertRules, useDeleteRule, useFigures, useSwitchRule } from '@/features/alerts/api/alert-rules'
import { EventsDialog } from '@/features/alerts/components/events-dialog'
import { RuleDialog } from '@/features/alerts/components/rule-dialog'
import { TestDialog } from '@/features/alerts/components/test-dialog'
import { figureWords, problemWords, ruleWords, standing } from '@/features/alerts/wording'
import { formatMoment } from '@/lib/format'

type Open = { edit: AlertRule | undefined } | { events: AlertRule } | { test: AlertRule } | { remove: AlertRule } | undefined

/** The rules that watch figures, and whom they tell. */
export function AlertsPage() {
  const rules = useAlertRules()
  const figures = useFigures().data ?? []
  const [open, setOpen] = useState<Open>()
  const [said, setSaid] = useState('')
  const close = () => setOpen(undefined)
  const done = (what: string) => {
    setSaid(what)
    close()
  }
  const actions = (rule: AlertRule): RowAction[] => [
    { title: 'Change …', onChoose: () => setOpen({ edit: rule }) },
    { title: 'What happened', onChoose: () => setOpen({ events: rule }) },
    { title: 'Send a test notice', onChoose: () => setOpen({ test: rule }) },
    { title: 'Delete', onChoose: () => setOpen({ remove: rule }), danger: true },
  ]
  return (
    <Stack spacing={3}>
      <Stack direction={{ xs: 'column', sm: 'row' }} spacing={2} sx={{ justifyContent: 'space-between', alignItems: { sm: 'flex-end' } }}>
        <PageHeader title="Alerts" detail="Rules watch a figure and tell you when it leaves its bounds, and when it is back." />
        <Button variant="contained" startIcon={<PlusIcon />} onClick={() => setOpen({ edit: undefined })} sx={{ flex: 'none' }}>
          New rule
        </Button>
      </Stack>
      <DataTable
        label="Alert rules"
        columns={columns(actions, figures)}
        rows={rules.data ?? []}
        rowKey={(rule) => rule.id}
        asked={rules}
        empty="No rules yet. Make one to be told when a figure falls or rises."
        minWidth={900}
      />
      {open && 'edit' in open && <RuleDialog rule={open.edit} figures={figures} onDone={done} onClose={close} />}
      {open && 'events' in open && <EventsDialog rule={open.events} onClose={close} />}
      {open && 'test' in open && <TestDialog rule={open.test} onClose={close} />}
      {open && 'remove' in open && <Remove rule={open.remove} onDone={done} onClose={close} />}
      <Said what={said} onClose={() => setSaid('')} />
    </Stack>
  )
}

const columns = (actions: (rule: AlertRule) => RowAction[], figures: readonly Figure[]): Column<AlertRule>[] => [
  { title: 'Rule', heads: true, cell: (rule) => <Worded rule={rule} figure={figures.find(({ metric }) => metric === rule.metric)} /> },
  { title: 'State', nowrap: true, cell: (rule) => <State rule={rule} /> },
  { title: 'Last seen', nowrap: true, cell: (rule) => <LastSeen rule={rule} unit={figures.find(({ metric }) => metric === rule.metric)?.unit ?? ''} /> },
  { title: 'On', cell: (rule) => <OnOff rule={rule} /> },
  {
    title: 'Actions',
    quiet: true,
    align: 'right',
    cell: (rule) => <RowMenu label={`What can be done with ${rule.name}`} actions={actions(rule)} />,
  },
]

function Worded({ rule, figure }: { rule: AlertRule; figure: Figure | undefined }) {
  return (
    <>
      {rule.name}
      <Typography variant="body2" color="textSecondary" sx={{ pr: { xs: 4, md: 0 }, maxWidth: '64ch' }}>
        {ruleWords(rule, figure)}
      </Typography>
    </>
  )
}

function State({ rule }: { rule: AlertRule }) {
  return (
    <>
      <ToneChip {...standing(rule)} />
      {rule.enabled && rule.problem && (
        <Typography variant="body2" color="textSecondary" sx={{ mt: 0.5, maxWidth: 180, whiteSpace: 'normal' }}>
          {problemWords(rule.problem)}
        </Typography>
      )}
    </>
  )
}

function LastSeen({ rule, unit }: { rule: AlertRule; unit: string }) {
  if (!rule.evaluated_at) return <>Not yet</>
  return (
    <>
      {typeof rule.value === 'number' ? figureWords(rule.value, rule.condition.operator.startsWith('change_pct') ? '%' : unit) : '–'}
      <Typography variant="body2" color="textSecondary">
        {formatMoment(rule.evaluated_at)}
      </Typography>
    </>
  )
}

function OnOff({ rule }: { rule: AlertRule }) {
  const change = useSwitchRule()
  const shown = change.isPending ? change.variables.enabled : rule.enabled
  return (
    <Switch
      size="small"
      checked={shown}
      onChange={(event) => change.mutate({ id: rule.id, enabled: event.target.checked })}
      slotProps={{ input: { 'aria-label': `${rule.name} is on` } }}
    />
  )
}

function Remove({ rule, onDone, onClose }: { rule: AlertRule; onDone: (said: string) => void; onClose: () => void }) {
  const remove = useDeleteRule()
  return (
    <ConfirmDialog
      open
      title={`Delete ${rule.name}?`}
      detail="Nobody is told by this rule any more, and what happened to it is deleted too. To keep that, switch it off instead."
      confirm="Delete"
      busy={remove.isPending}
      error={remove.error}
      onConfirm={() => remove.mutate(rule.id, { onSuccess: () => onDone(`${rule.name} was deleted.`) })}
      onClose={onClose}
    />
  )
}
