import Stack from '@mui/material/Stack'
import { PageHeader } from '@/components/page-header'
import { type ForecastAnswer, type ForecastAsk, useAskForecast } from '@/features/market-intel/api/forecast'
import { type Draft, FIRST_DRAFT } from '@/features/market-intel/ask'
import { AskForm } from '@/features/market-intel/components/ask-form'
import { ForecastResult } from '@/features/market-intel/components/forecast-result'
import { Work } from '@/features/market-intel/components/work'
import { useView } from '@/features/market-intel/view'
import { problemFromError } from '@/lib/problem'

const FIRST_VIEW = { ...FIRST_DRAFT, operation: '', shown: '' }

/** A forecast of whatever somebody asks for: at once, or as work that goes on while they wait. */
export function AskPage() {
  const [view, change] = useView(FIRST_VIEW)
  const asked = useAskForecast()
  const ask = (draft: Draft, body: ForecastAsk) => {
    change({ ...draft, operation: '', shown: '' })
    asked.mutate(body, { onSuccess: ({ operation }) => operation && change({ ...draft, operation: operation.name, shown: '' }) })
  }
  return (
    <Stack spacing={3}>
      <PageHeader title="Ask for a forecast" detail="A metric of the shop, or series of your own. Quick models answer at once; where more is to be tried it goes on as an operation." />
      <AskForm title="What to forecast" submit="Forecast" first={view} busy={asked.isPending} problem={asked.error ? problemFromError(asked.error) : undefined} onAsk={ask} />
      <Work<ForecastAnswer> asked={asked} operation={view.operation} what="forecast">
        {(answer) => <ForecastResult answer={answer} shown={view.shown} onShow={(shown) => change({ shown })} />}
      </Work>
    </Stack>
  )
}
