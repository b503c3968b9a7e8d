import Box from '@mui/material/Box'
import Stack from '@mui/material/Stack'
import { LineageLine } from '@/components/lineage-line'
import type { SegmentsAnswer } from '@/features/segments/api/get-segments'
import { SegmentsTable } from '@/features/segments/components/segments-table'
import { Separation } from '@/features/segments/components/separation'
import { ShareChart } from '@/features/segments/components/share-chart'
import { SummaryTiles } from '@/features/segments/components/summary-tiles'
import { withCustomerShare } from '@/features/segments/table-rows'

/** One answer, shown: tiles, chart, table and what it was made from. Dimmed while the next is on its way. */
export function SegmentsReport({ answer, busy }: { answer: SegmentsAnswer; busy: boolean }) {
  const rows = withCustomerShare(answer.items)
  return (
    <Stack
      component="section"
      aria-label="Segments"
      aria-busy={busy}
      spacing={3}
      sx={{ opacity: busy ? 0.5 : 1, transition: 'opacity 120ms' }}
    >
      <SummaryTiles rows={rows} />
      <Box
        sx={{
          display: 'grid',
          gap: 3,
          gridTemplateColumns: { xs: 'minmax(0, 1fr)', lg: answer.method === 'kmeans' ? 'minmax(0, 2fr) minmax(0, 1fr)' : 'minmax(0, 1fr)' },
        }}
      >
        <ShareChart rows={rows} />
        {typeof answer.silhouette === 'number' && (
          <Separation silhouette={answer.silhouette} suggested={answer.silhouette_k ?? undefined} tiers={rows.length} />
        )}
      </Box>
      <SegmentsTable rows={rows} columns={answer.columns} />
      {answer.lineage && <LineageLine lineage={answer.lineage} />}
    </Stack>
  )
}
