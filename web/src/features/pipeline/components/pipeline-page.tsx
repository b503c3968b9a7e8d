import Stack from '@mui/material/Stack'
import { PageHeader } from '@/components/page-header'
import { goesOn, useRuns } from '@/features/pipeline/api/get-pipeline'
import { LedgerCard } from '@/features/pipeline/components/ledger-card'
import { LineageCard } from '@/features/pipeline/components/lineage-card'
import { QualityCard } from '@/features/pipeline/components/quality-card'
import { RunsCard } from '@/features/pipeline/components/runs-card'

/** How the data came in: runs, how good the tables are, whether they tie to their source, what is made from what. */
export function PipelinePage() {
  const runs = useRuns()
  const ended = runs.data?.items.find((run) => !goesOn(run))?.run_id
  const last = runs.isPending ? undefined : (ended ?? 'none')
  return (
    <Stack spacing={3}>
      <PageHeader
        title="Data pipeline"
        detail="What came in, how good it is, and whether every row and cent can be followed back to its source."
      />
      <RunsCard runs={runs} />
      <QualityCard lastRun={last} />
      <LedgerCard lastRun={last} />
      <LineageCard lastRun={last} />
    </Stack>
  )
}
