import Stack from '@mui/material/Stack'
import { PageHeader } from '@/components/page-header'
import { type CompareAnswer, type ForecastAsk, useCompareModels } from '@/features/market-intel/api/forecast'
import { type Draft, FIRST_DRAFT } from '@/features/market-intel/ask'
import { AskForm } from '@/features/market-intel/components/ask-form'
import { LeagueTable } from '@/features/market-intel/components/league-table'
import { Work } from '@/features/market-intel/components/work'
import { useView } from '@/features/market-intel/view'
import { unitOf } from '@/features/market-intel/words'
import { problemFromError } from '@/lib/problem'

const FIRST_VIEW = { ...FIRST_DRAFT, operation: '' }

/** Every model tried on the same series and periods: which errs least, and whose bands hold. */
export function LeaguePage() {
  const [view, change] = useView(FIRST_VIEW)
  const asked = useCompareModels()
  const ask = (draft: Draft, body: ForecastAsk) => {
    change({ ...draft, operation: '' })
    asked.mutate(body, { onSuccess: ({ operation }) => operation && change({ ...draft, operation: operation.name }) })
  }
  return (
    <Stack spacing={3}>
      <PageHeader title="Model league" detail="Every model forecasts the same periods of the past without having seen them, from several points in time. Here is how they did." />
      <AskForm title="What to compare on" submit="Compare the models" first={view} everyModel busy={asked.isPending} problem={asked.error ? problemFromError(asked.error) : undefined} onAsk={ask} />
      <Work<CompareAnswer> asked={asked} operation={view.operation} what="comparison">
        {(answer) => <LeagueTable answer={answer} unit={view.source === 'series' ? '' : unitOf(view.metric)} />}
      </Work>
    </Stack>
  )
}
