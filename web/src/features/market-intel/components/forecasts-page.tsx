import Stack from '@mui/material/Stack'
import { useMemo } from 'react'
import { ExportMenu } from '@/components/export-menu'
import { LineageLine } from '@/components/lineage-line'
import { PageHeader } from '@/components/page-header'
import { useProductNames } from '@/features/market-intel/api/names'
import { useTitles } from '@/features/market-intel/api/parts'
import { type Stored, storedPath, useSeriesIds, useStoredForecast } from '@/features/market-intel/api/stored'
import { AccuracySection } from '@/features/market-intel/components/accuracy-section'
import { Answered, Degraded } from '@/features/market-intel/components/answered'
import { Choice } from '@/features/market-intel/components/choice'
import { StoredForecast } from '@/features/market-intel/components/stored-forecast'
import { Toolbar } from '@/features/market-intel/components/toolbar'
import type { Titles } from '@/features/market-intel/named'
import { useAnswered } from '@/features/market-intel/use-answered'
import { useView } from '@/features/market-intel/view'
import { FREQUENCIES, LEVELS, METRICS } from '@/features/market-intel/words'
import { fileNameOf } from '@/lib/file-name'

/** The dimension of revenue that a part of the business is a value of. */
const DIMENSIONS: Record<string, string> = { region: 'region', channel: 'channel', category: 'department', product: 'product' }
const FIRST_VIEW = { metric: 'revenue', frequency: 'day', level: 'total', series_id: '' }

/** What the pipeline forecasts: of the whole business and its parts, which add up. */
export function ForecastsPage() {
  const [view, change] = useView(FIRST_VIEW)
  const found = useSeriesIds(view)
  const { titles, pending } = useTitles(DIMENSIONS[view.level] ?? '')
  const series = { ...found, data: useMemo(() => (pending ? undefined : bySize(found.data, titles)), [found.data, titles, pending]) }
  const stored: Stored = { ...view, series_id: view.series_id || firstOf(view.level, series.data) }
  const asked = useStoredForecast(stored)
  const shown = useAnswered(stored, asked.isPlaceholderData)
  const ids = useMemo(() => (view.level === 'product' ? [...new Set([...(series.data ?? []), stored.series_id])] : []), [view.level, series.data, stored.series_id])
  const names = useProductNames(ids)
  const titleOfSeries = (id: string) => (names.has(id) ? `${names.get(id)} (${id})` : (titles.get(id) ?? id))
  return (
    <Stack spacing={3}>
      <PageHeader title="Forecasts" detail="Made anew with every run of the pipeline. The parts of the business add up to the whole." />
      <Toolbar label="Which forecast" end={<ExportMenu path={storedPath(stored)} name={fileNameOf('forecast', stored.metric, stored.frequency, stored.level, stored.level === 'total' ? '' : stored.series_id)} disabled={!asked.data?.items.length} />}>
        <Choice label="Metric" value={view.metric} options={METRICS} onChange={(metric) => change({ metric })} width={140} />
        <Choice label="Periods" value={view.frequency} options={FREQUENCIES} onChange={(frequency) => change({ frequency })} width={140} />
        <Choice label="Part of the business" value={view.level} options={LEVELS} onChange={(level) => change({ level, series_id: '' })} />
        {view.level !== 'total' && <Choice label="Which" value={stored.series_id} options={(series.data ?? []).map((value) => ({ value, title: titleOfSeries(value) }))} onChange={(series_id) => change({ series_id })} width={320} />}
      </Toolbar>
      {series.data?.length === 0 && view.level !== 'total' && !view.series_id ? (
        <Answered asked={{ ...series, data: [] }} what="the series" isEmpty={() => true} empty="The pipeline forecasts no series of this kind for these periods. Choose longer periods or another part of the business.">
          {() => null}
        </Answered>
      ) : (
        <Answered
          asked={stored.series_id === '' ? { ...asked, error: series.error } : asked}
          what="the forecasts"
          height={480}
          isEmpty={({ items }) => items.length === 0}
          empty="There is no forecast of this series. It may be too short, or no longer sold."
          onReset={() => change(FIRST_VIEW)}
        >
          {(answer) => (
            <Stack spacing={3}>
              <Degraded lineage={answer.lineage} />
              <StoredForecast answer={answer} stored={shown} name={titleOfSeries(shown.series_id)} />
              {answer.lineage && <LineageLine lineage={answer.lineage} />}
              <AccuracySection stored={shown} through={answer.lineage?.data_through_on} />
            </Stack>
          )}
        </Answered>
      )}
    </Stack>
  )
}

/** Series of the most revenue first, so that what is seen first matters most. */
function bySize(series: readonly string[] | undefined, titles: Titles): readonly string[] | undefined {
  const rank = new Map([...titles.keys()].map((id, place) => [id, place]))
  return series && [...series].sort((one, other) => (rank.get(one) ?? Infinity) - (rank.get(other) ?? Infinity) || one.localeCompare(other, 'en'))
}

function firstOf(level: string, series: readonly string[] | undefined): string {
  return level === 'total' ? 'all' : (series?.[0] ?? '')
}
