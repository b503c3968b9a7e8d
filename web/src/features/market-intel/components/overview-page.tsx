import Stack from '@mui/material/Stack'
import { PageHeader } from '@/components/page-header'
import { useTiles } from '@/features/market-intel/api/trends'
import { Answered } from '@/features/market-intel/components/answered'
import { Figures } from '@/components/figures'
import { InsightList } from '@/features/market-intel/components/insight-list'
import { TrendSection } from '@/features/market-intel/components/trend-section'
import { formatChange, formatFigure } from '@/features/market-intel/words'

/** How the business does: its figures, what changed, and where its metrics are heading. */
export function OverviewPage() {
  const tiles = useTiles()
  return (
    <Stack spacing={3}>
      <PageHeader title="Market intelligence" detail="How the business does, where it is heading, and what stands out." />
      <Answered asked={tiles} what="the figures" height={100} isEmpty={(found) => found.length === 0} empty="There are no figures yet. They come with the first run of the pipeline.">
        {(found) => (
          <Figures
            label="Figures"
            figures={found.map(({ title, value, unit, change_pct }) => ({
              title,
              value: formatFigure(value, unit),
              note: typeof change_pct === 'number' ? `${formatChange(change_pct, '%')} against the period before` : undefined,
            }))}
          />
        )}
      </Answered>
      <TrendSection />
      <InsightList />
    </Stack>
  )
}
