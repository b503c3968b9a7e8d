import Box from '@mui/material/Box'
import Button from '@mui/material/Button'
import Card from '@mui/material/Card'
import FormControlLabel from '@mui/material/FormControlLabel'
import Stack from '@mui/material/Stack'
import Switch from '@mui/material/Switch'
import TextField from '@mui/material/TextField'
import ToggleButton from '@mui/material/ToggleButton'
import ToggleButtonGroup from '@mui/material/ToggleButtonGroup'
import { type FormEvent, useState } from 'react'
import type { ForecastAsk } from '@/features/market-intel/api/forecast'
import { askOf, type Draft, horizonProblem, periodsOf } from '@/features/market-intel/ask'
import { Choice } from '@/features/market-intel/components/choice'
import { PartFields } from '@/features/market-intel/components/part-fields'
import { SeriesInput } from '@/features/market-intel/components/series-input'
import type { Parsed } from '@/features/market-intel/series-csv'
import { FREQUENCIES, METRICS, MODELS } from '@/features/market-intel/words'
import type { Problem } from '@/lib/problem'

interface AskFormProps {
  title: string
  submit: string
  first: Draft
  busy: boolean
  problem: Problem | undefined
  /** Every model is tried: none is chosen. */
  everyModel?: boolean
  onAsk: (draft: Draft, ask: ForecastAsk) => void
}

const EFFORTS = [
  { value: '', title: 'Automatic, by size' },
  { value: 'cheap', title: 'Quick models, at once' },
  { value: 'full', title: 'All models, in minutes' },
]
const GAPS = [
  { value: 'zero', title: 'Count as 0' },
  { value: 'unknown', title: 'Are not known' },
]

/** What is to be forecast: a metric of the shop, or series of one's own. */
export function AskForm({ title, submit, first, busy, problem, everyModel = false, onAsk }: AskFormProps) {
  const [draft, setDraft] = useState(first)
  const [parsed, setParsed] = useState<Parsed>()
  const set = (change: Partial<Draft>) => setDraft({ ...draft, ...change } as Draft)
  const ofSeries = draft.source === 'series'
  const horizonWrong = horizonProblem(draft)
  const ready = !horizonWrong && (!ofSeries || (parsed !== undefined && !parsed.problem))
  const send = (event: FormEvent) => {
    event.preventDefault()
    if (ready) onAsk(draft, askOf(everyModel ? { ...draft, explain: 'no' } : draft, parsed?.points ?? []))
  }
  return (
    <Card component="form" aria-label={title} noValidate onSubmit={send} sx={{ p: { xs: 2, sm: 2.5 } }}>
      <Stack spacing={2}>
        <ToggleButtonGroup exclusive size="small" color="primary" aria-label="What is forecast" value={draft.source} onChange={(_, source: string | null) => source && set({ source })} sx={{ flexWrap: 'wrap' }}>
          <ToggleButton value="shop">A metric of the shop</ToggleButton>
          <ToggleButton value="series">Series of my own</ToggleButton>
        </ToggleButtonGroup>
        {ofSeries && <SeriesInput parsed={parsed} onChange={setParsed} wrong={problem?.field('series')} />}
        <Box sx={ROW}>
          {!ofSeries && <Choice label="Metric" value={draft.metric} options={METRICS} onChange={(metric) => set({ metric })} wrong={problem?.field('metric')} />}
          <Choice label="Periods" value={draft.frequency} options={FREQUENCIES} onChange={(frequency) => set({ frequency })} wrong={problem?.field('frequency')} />
          <TextField
            label={`How many ${periodsOf(draft.frequency)} ahead`}
            size="small"
            value={draft.horizon}
            onChange={(event) => set({ horizon: event.target.value.trim() })}
            error={Boolean(horizonWrong ?? problem?.field('horizon'))}
            helperText={horizonWrong ?? problem?.field('horizon')}
            slotProps={{ inputLabel: { shrink: true }, htmlInput: { inputMode: 'numeric' } }}
            sx={FIELD}
          />
          {!everyModel && <Choice label="Model" value={draft.model} options={MODELS} onChange={(model) => set({ model })} wrong={problem?.field('model')} width={240} />}
          {(everyModel || draft.model === 'auto') && <Choice label="How much is tried" value={draft.effort} options={EFFORTS} onChange={(effort) => set({ effort })} width={230} />}
          {ofSeries && <Choice label="Missing periods" value={draft.gaps} options={GAPS} onChange={(gaps) => set({ gaps })} />}
          <TextField
            label="Holidays of country"
            placeholder="None"
            size="small"
            value={draft.holidays}
            onChange={(event) => set({ holidays: event.target.value.trim().toUpperCase().slice(0, 2) })}
            error={Boolean(problem?.field('country'))}
            helperText={problem?.field('country') ?? 'Two letters, such as US'}
            slotProps={{ inputLabel: { shrink: true } }}
            sx={FIELD}
          />
        </Box>
        {!ofSeries && <PartFields draft={draft} problem={problem} onChange={set} />}
        {!everyModel && (
          <FormControlLabel
            control={<Switch checked={draft.explain === 'yes'} onChange={(event) => set({ explain: event.target.checked ? 'yes' : 'no' })} />}
            label="Tell what the forecast is made up of"
            sx={{ alignSelf: 'flex-start', ml: -1 }}
          />
        )}
        <Box>
          <Button type="submit" variant="contained" disabled={!ready} loading={busy} loadingPosition="start" startIcon={<span />}>
            {submit}
          </Button>
        </Box>
      </Stack>
    </Card>
  )
}

const ROW = { display: 'flex', flexWrap: 'wrap', gap: 1.5, alignItems: 'flex-start' }
const FIELD = { flex: { xs: '1 1 140px', sm: '0 1 180px' } }
