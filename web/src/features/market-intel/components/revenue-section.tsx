import Alert from '@mui/material/Alert'
import Stack from '@mui/material/Stack'
import { ExportMenu } from '@/components/export-menu'
import { LineageLine } from '@/components/lineage-line'
import { revenuePath, type Slice, useRevenue } from '@/features/market-intel/api/revenue'
import { Answered, Degraded } from '@/features/market-intel/components/answered'
import { AnswerTable, periodCells } from '@/features/market-intel/components/answer-table'
import { Choice } from '@/features/market-intel/components/choice'
import { Currencies } from '@/features/market-intel/components/currencies'
import { isCut, RevenueChart } from '@/features/market-intel/components/revenue-chart'
import { Section } from '@/features/market-intel/components/section'
import { Toolbar } from '@/features/market-intel/components/toolbar'
import { useAnswered } from '@/features/market-intel/use-answered'
import { useView } from '@/features/market-intel/view'
import { capitalised, currencyOf, formatFigure } from '@/features/market-intel/words'
import { fileNameOf } from '@/lib/file-name'
import { formatCount, formatDay } from '@/lib/format'

const GRAINS = ['hour', 'day', 'week', 'month', 'all'].map((value) => ({ value, title: value === 'all' ? 'The whole time' : capitalised(value) }))
const DIMENSIONS = ['segment', 'department', 'category', 'product', 'brand', 'region', 'country', 'channel', 'payment_method', 'device'].map((value) => ({ value, title: capitalised(value) }))
const NONE = { value: '', title: 'Nothing' }
const FIRST_VIEW = { grain: 'month', by: 'channel', and: '' }

interface SectionProps {
  slice: Slice
  onReset: () => void
}

/** Revenue by period and up to two dimensions, as a chart and as a table. */
export function RevenueSection({ slice, onReset }: SectionProps) {
  const [view, change] = useView(FIRST_VIEW)
  const by = [view.by === 'none' ? '' : view.by, view.and].filter(Boolean)
  const question = { ...slice, grain: view.grain, by }
  const asked = useRevenue(question)
  const shown = useAnswered({ grain: view.grain, by }, asked.isPlaceholderData)
  return (
    <Section title="Explorer">
      <Toolbar label="How it is cut" end={<ExportMenu path={revenuePath(question)} name={fileNameOf('revenue', by.length > 0 ? 'by' : '', ...by, view.grain, asked.data?.from, asked.data?.to)} disabled={!asked.data?.items.length} />}>
        <Choice label="Periods" value={view.grain} options={GRAINS} onChange={(grain) => change({ grain })} width={180} />
        <Choice label="By" value={view.by} options={[{ value: 'none', title: 'Nothing' }, ...DIMENSIONS]} onChange={(next) => change({ by: next, ...((next === 'none' || next === view.and) && { and: '' }) })} />
        <Choice label="And by" value={view.and} options={[NONE, ...DIMENSIONS.filter(({ value }) => value !== view.by)]} disabled={view.by === 'none'} onChange={(and) => change({ and })} />
      </Toolbar>
      <Answered asked={asked} what="the revenue" height={520} isEmpty={({ items }) => items.length === 0} empty="No revenue in this part of the business and this time." onReset={onReset}>
        {(answer) => (
          <Stack spacing={2}>
            <Degraded lineage={answer.lineage} />
            <Currencies codes={answer.currencies ?? []} notes={answer.notes ?? []} />
            {shown.grain !== 'all' && isCut(answer) && (
              <Alert severity="warning" variant="outlined" sx={{ bgcolor: 'background.paper' }}>
                Only the oldest {formatCount(answer.items.length)} of {formatCount(answer.total_size ?? 0)} rows fit here, so the chart ends early. Choose longer periods, a shorter time or one dimension less; the export has every row.
              </Alert>
            )}
            <RevenueChart answer={answer} {...shown} />
            <AnswerTable
              label="Revenue"
              answer={answer}
              keys={keysOf(shown.grain, shown.by)}
              asked={asked}
              empty=""
              cells={periodCells(shown.grain)}
              hidden={shown.grain === 'all' ? ['period_on'] : []}
              currency={currencyOf(answer.currencies)}
              minWidth={640}
              toolbar={
                <span>
                  {formatFigure(answer.total, currencyOf(answer.currencies))} {answer.from && answer.to && `from ${formatDay(answer.from)} to ${formatDay(answer.to)}`}, {answer.basis === 'lines' ? 'sales of order lines' : 'order totals'}.{' '}
                  {(answer.total_size ?? 0) > answer.items.length && `The first ${formatCount(answer.items.length)} of ${formatCount(answer.total_size ?? 0)} rows.`}
                </span>
              }
            />
            {answer.lineage && <LineageLine lineage={answer.lineage} />}
          </Stack>
        )}
      </Answered>
    </Section>
  )
}

/** What names a row: its period, where there are several, and its group. */
function keysOf(grain: string, by: readonly string[]): string[] {
  return grain === 'all' ? [...by] : [grain === 'hour' ? 'hour_at' : 'period_on', ...by]
}
