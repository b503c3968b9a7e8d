import Alert from '@mui/material/Alert'
import Autocomplete from '@mui/material/Autocomplete'
import Button from '@mui/material/Button'
import Dialog from '@mui/material/Dialog'
import DialogActions from '@mui/material/DialogActions'
import DialogContent from '@mui/material/DialogContent'
import DialogTitle from '@mui/material/DialogTitle'
import MenuItem from '@mui/material/MenuItem'
import Stack from '@mui/material/Stack'
import TextField from '@mui/material/TextField'
import { type SubmitEvent, useId, useState } from 'react'
import { entry } from '@/components/entry'
import { FormProblem } from '@/components/form-problem'
import { type AlertRule, type Figure, type Operator, useSaveRule } from '@/features/alerts/api/alert-rules'
import { ChannelFields } from '@/features/alerts/components/channel-fields'
import { type Draft, draftOf, ruleOf } from '@/features/alerts/draft'
import { nowWords, OPERATORS, ruleWords } from '@/features/alerts/wording'
import { problemFromError } from '@/lib/problem'

interface RuleDialogProps {
  /** The rule to change; without one a new one is made. */
  rule: AlertRule | undefined
  figures: readonly Figure[]
  onDone: (said: string) => void
  onClose: () => void
}

/** Makes or changes a rule, and says all the while in plain words what it will do. */
export function RuleDialog({ rule, figures, onDone, onClose }: RuleDialogProps) {
  const heading = useId()
  const [draft, setDraft] = useState(() => draftOf(rule))
  const save = useSaveRule(rule?.id)
  const problem = save.error && problemFromError(save.error)
  const wanted = ruleOf(draft)
  const set = (change: Partial<Draft>) => setDraft({ ...draft, ...change })
  const fields = ['name', 'metric', 'for_minutes', ...draft.channels.flatMap((_, place) => [`channels.${place}.url`, `channels.${place}.secret`])]
  const submit = (event: SubmitEvent) => {
    event.preventDefault()
    if (wanted) save.mutate(wanted, { onSuccess: () => onDone(rule ? `${wanted.name} was changed.` : `${wanted.name} watches from now on.`) })
  }
  return (
    <Dialog open onClose={save.isPending ? undefined : onClose} fullWidth maxWidth="sm" aria-labelledby={heading}>
      <form onSubmit={submit} noValidate>
        <DialogTitle id={heading}>{rule ? `Change ${rule.name}` : 'New alert rule'}</DialogTitle>
        <DialogContent>
          <Stack spacing={2.5} sx={{ pt: 1 }}>
            {problem && <FormProblem problem={problem} fields={fields} />}
            <TextField label="Name" name="name" autoComplete="off" autoFocus={!rule} {...entry(draft.name, (name) => set({ name }), problem?.field('name'))} />
            <FigureField figures={figures} metric={draft.metric} wrong={problem?.field('metric')} onChange={(metric) => set({ metric })} />
            <ConditionFields draft={draft} onChange={set} />
            <ChannelFields channels={draft.channels} onChange={(channels) => set({ channels })} wrong={(field) => problem?.field(field)} />
            <Alert severity="info" variant="outlined" role="status" aria-label="In plain words">
              {wanted ? ruleWords({ ...wanted, for_minutes: wanted.for_minutes ?? 0, channels: draft.channels }, figures.find(({ metric }) => metric === wanted.metric)) : 'Fill in the fields, and what the rule does is said here.'}
            </Alert>
          </Stack>
        </DialogContent>
        <DialogActions sx={{ px: 3, pb: 2.5 }}>
          <Button color="inherit" onClick={onClose} disabled={save.isPending}>
            Cancel
          </Button>
          <Button type="submit" variant="contained" loading={save.isPending} disabled={!wanted}>
            {rule ? 'Save' : 'Make the rule'}
          </Button>
        </DialogActions>
      </form>
    </Dialog>
  )
}

interface FigureFieldProps {
  figures: readonly Figure[]
  metric: string
  wrong: string | undefined
  onChange: (metric: string) => void
}

function FigureField({ figures, metric, wrong, onChange }: FigureFieldProps) {
  const known = figures.find((figure) => figure.metric === metric)
  const now = known ? nowWords(known) : ''
  return (
    <Autocomplete
      freeSolo
      options={figures.map((figure) => figure.metric)}
      getOptionLabel={(one) => figures.find((figure) => figure.metric === one)?.title ?? one}
      value={metric || null}
      onChange={(_, chosen) => onChange(chosen?.trim() ?? '')}
      onInputChange={(_, typed, why) => why === 'input' && !figures.some(({ title }) => title === typed) && onChange(typed.trim())}
      renderInput={(input) => (
        <TextField {...input} required label="Figure" error={Boolean(wrong)} helperText={wrong || now || 'A figure of a dashboard, such as demand.revenue'} />
      )}
    />
  )
}

function ConditionFields({ draft, onChange }: { draft: Draft; onChange: (change: Partial<Draft>) => void }) {
  const minutes = Number(draft.forMinutes)
  const changes = draft.operator.startsWith('change_pct')
  return (
    <Stack direction={{ xs: 'column', sm: 'row' }} spacing={1.5}>
      <TextField select label="When it" value={draft.operator} onChange={(event) => onChange({ operator: event.target.value as Operator })} sx={{ flex: 2 }}>
        {OPERATORS.map(({ operator, title }) => (
          <MenuItem key={operator} value={operator}>
            {title}
          </MenuItem>
        ))}
      </TextField>
      <TextField
        label={changes ? 'Threshold in %' : 'Threshold'}
        required
        value={draft.threshold}
        onChange={(event) => onChange({ threshold: event.target.value })}
        error={!Number.isFinite(Number(draft.threshold))}
        slotProps={{ htmlInput: { inputMode: 'decimal' } }}
        sx={{ flex: 1 }}
      />
      <TextField
        label="For minutes"
        type="number"
        value={draft.forMinutes}
        onChange={(event) => onChange({ forMinutes: event.target.value })}
        error={!(minutes >= 0 && minutes <= 1440)}
        helperText={minutes === 0 ? '0: at once' : ''}
        slotProps={{ htmlInput: { min: 0, max: 1440, step: 1 } }}
        sx={{ flex: 1 }}
      />
    </Stack>
  )
}
