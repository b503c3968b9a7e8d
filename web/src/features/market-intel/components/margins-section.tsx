import Box from '@mui/material/Box'
import Stack from '@mui/material/Stack'
import Typography from '@mui/material/Typography'
import { ExportMenu } from '@/components/export-menu'
import { LineageLine } from '@/components/lineage-line'
import { type Margins, marginsPath, type Slice, useMargins } from '@/features/market-intel/api/revenue'
import { columnTitle } from '@/features/market-intel/answer-columns'
import { percent } from '@/features/market-intel/backtest-figures'
import { Answered } from '@/features/market-intel/components/answered'
import { AnswerTable, periodCells } from '@/features/market-intel/components/answer-table'
import { Choice } from '@/features/market-intel/components/choice'
import { Currencies } from '@/features/market-intel/components/currencies'
import { Section } from '@/features/market-intel/components/section'
import { Toolbar } from '@/features/market-intel/components/toolbar'
import { useView } from '@/features/market-intel/view'
import { capitalised, currencyOf } from '@/features/market-intel/words'

const GRAINS = ['day', 'week', 'month', 'all'].map((value) => ({ value, title: value === 'all' ? 'The whole time' : capitalised(value) }))
const DIMENSIONS = [{ value: '', title: 'The whole business' }, ...['channel', 'region', 'country', 'department', 'category', 'brand', 'product'].map((value) => ({ value, title: capitalised(value) }))]
const FIRST_VIEW = { margins_grain: 'all', margins_by: 'channel' }

/** What is left of sales after the cost of goods, shipping, payment fees and marketing. */
export function MarginsSection({ slice, onReset }: { slice: Slice; onReset: () => void }) {
  const [view, change] = useView(FIRST_VIEW)
  const by = view.margins_by === 'none' ? '' : view.margins_by
  const question = { ...slice, grain: view.margins_grain, by }
  const asked = useMargins(question)
  return (
    <Section title="Margins" detail="Sales after the cost of goods, shipping, payment fees and marketing.">
      <Toolbar label="How margins are cut" end={<ExportMenu path={marginsPath(question)} name="margins" disabled={!asked.data?.items.length} />}>
        <Choice label="Periods" value={view.margins_grain} options={GRAINS} onChange={(margins_grain) => change({ margins_grain })} width={150} />
        <Choice label="By" value={by} options={DIMENSIONS} onChange={(next) => change({ margins_by: next || 'none' })} />
      </Toolbar>
      <Answered asked={asked} what="the margins" height={320} isEmpty={({ items }) => items.length === 0} empty="No sales in this part of the business and this time." onReset={onReset}>
        {(answer) => (
          <Stack spacing={2}>
            <Currencies codes={answer.currencies ?? []} />
            <AnswerTable label="Margins" answer={answer} keys={[by || 'period_on', 'period_on']} hidden={view.margins_grain === 'all' ? ['period_on'] : []} currency={currencyOf(answer.currencies)} cells={periodCells(view.margins_grain)} asked={asked} empty="" />
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
