import Box from '@mui/material/Box'
import Stack from '@mui/material/Stack'
import Typography from '@mui/material/Typography'
import { ExportMenu } from '@/components/export-menu'
import { LineageLine } from '@/components/lineage-line'
import { type Margins, marginsPath, type Slice, useMargins } from '@/features/market-intel/api/revenue'
import { type AnswerRow, columnTitle } from '@/features/market-intel/answer-columns'
import { useTitles } from '@/features/market-intel/api/parts'
import { percent } from '@/features/market-intel/backtest-figures'
import { Answered } from '@/features/market-intel/components/answered'
import { AnswerTable, periodCells } from '@/features/market-intel/components/answer-table'
import { Choice } from '@/features/market-intel/components/choice'
import { Currencies } from '@/features/market-intel/components/currencies'
import { Section } from '@/features/market-intel/components/section'
import { Toolbar } from '@/features/market-intel/components/toolbar'
import { useAnswered } from '@/features/market-intel/use-answered'
import { useView } from '@/features/market-intel/view'
import { capitalised, currencyOf } from '@/features/market-intel/words'
import { fileNameOf } from '@/lib/file-name'
import { formatDay } from '@/lib/format'

const GRAINS = ['day', 'week', 'month', 'all'].map((value) => ({ value, title: value === 'all' ? 'The whole time' : capitalised(value) }))
const DIMENSIONS = [{ value: '', title: 'The whole business' }, ...['channel', 'region', 'country', 'department', 'category', 'brand', 'product'].map((value) => ({ value, title: capitalised(value) }))]
/** Dimensions whose values are ids, which the margins come without the names of. */
const NAMED = new Set(['department', 'category', 'product'])
const FIRST_VIEW = { margins_grain: 'all', margins_by: 'channel' }

/** What is left of sales after the cost of goods, shipping, payment fees and marketing. */
export function MarginsSection({ slice, onReset }: { slice: Slice; onReset: () => void }) {
  const [view, change] = useView(FIRST_VIEW)
  const by = view.margins_by === 'none' ? '' : view.margins_by
  const question = { ...slice, grain: view.margins_grain, by }
  const asked = useMargins(question)
  const { titles } = useTitles(NAMED.has(by) ? by : '')
  const shown = useAnswered({ grain: view.margins_grain, by }, asked.isPlaceholderData)
  return (
    <Section title="Margins" detail="Sales after the cost of goods, shipping, payment fees and marketing.">
      <Toolbar label="How margins are cut" end={<ExportMenu path={marginsPath(question)} name={fileNameOf('margins', by && `by-${by}`, view.margins_grain, slice.from, slice.to)} disabled={!asked.data?.items.length} />}>
        <Choice label="Periods" value={view.margins_grain} options={GRAINS} onChange={(margins_grain) => change({ margins_grain })} width={180} />
        <Choice label="By" value={by} options={DIMENSIONS} onChange={(next) => change({ margins_by: next || 'none' })} />
      </Toolbar>
      <Answered asked={asked} what="the margins" height={320} isEmpty={({ items }) => items.length === 0} empty="No sales in this part of the business and this time." onReset={onReset}>
        {(answer) => (
          <Stack spacing={2}>
            <Currencies codes={answer.currencies ?? []} notes={answer.notes ?? []} />
            <AnswerTable label="Margins" answer={answer} keys={[shown.by || 'period_on', 'period_on']} hidden={shown.grain === 'all' ? ['period_on'] : []} currency={currencyOf(answer.currencies)} cells={{ ...periodCells(shown.grain), ...(shown.by && { [shown.by]: (row: AnswerRow) => titles.get(String(row[shown.by])) ?? String(row[shown.by] ?? '–') }) }} asked={asked} empty="" />
            {answer.from && answer.to && (
              <Typography variant="body2" color="textSecondary">
                From {formatDay(answer.from)} to {formatDay(answer.to)}.
              </Typography>
            )}
            <Attributed answer={answer} />
            {answer.lineage && <LineageLine lineage={answer.lineage} />}
          </Stack>
        )}
      </Answered>
    </Section>
  )
}

function Attributed({ answer }: { answer: Margins }) {
  return (
    <Box>
      <Typography variant="h3">How costs were attributed</Typography>
      <Box component="ul" sx={{ m: 0, mt: 0.5, pl: 2.5, color: 'text.secondary', fontSize: '0.875rem' }}>
        {answer.attributions?.map(({ cost, method, is_included }) => (
          <li key={cost}>
            {columnTitle(cost ?? '')}: {method}
            {!is_included && ' (not in these figures)'}
          </li>
        ))}
        {typeof answer.cost_unknown_pct === 'number' && <li>{percent(answer.cost_unknown_pct)} of sales have no known cost, and are in no gross profit.</li>}
      </Box>
    </Box>
  )
}
