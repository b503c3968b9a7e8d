import Alert from '@mui/material/Alert'
import Stack from '@mui/material/Stack'
import { PageHeader } from '@/components/page-header'
import { ProblemNotice } from '@/components/problem-notice'
import { useSegments } from '@/features/segments/api/get-segments'
import { ExportMenu } from '@/features/segments/components/export-menu'
import { NoSegments } from '@/features/segments/components/no-segments'
import { SegmentsReport } from '@/features/segments/components/segments-report'
import { ReportSkeleton } from '@/features/segments/components/report-skeleton'
import { ViewControls } from '@/features/segments/components/view-controls'
import { useView } from '@/features/segments/view'
import { problemFromError } from '@/lib/problem'

/** Who the customers are: the segments of one method, with their size, worth and what to do. */
export function SegmentsPage() {
  const [view, changeView] = useView()
  const { data, error, isPlaceholderData, isFetching, refetch } = useSegments(view)
  const problem = error && problemFromError(error)
  const report = problem ? undefined : data
  const retry = () => void refetch()
  return (
    <Stack spacing={3}>
      <PageHeader
        title="Customer segments"
        detail="Who your customers are by how recently, how often and how much they buy, and what to do for each group."
        actions={<ExportMenu view={view} disabled={!report || isPlaceholderData} />}
      />
      <ViewControls view={view} onChange={changeView} />
      {report?.lineage?.degraded && (
        <Alert severity="warning" variant="outlined" sx={{ bgcolor: 'background.paper' }}>
          The newest table version could not be read; an older one is shown. {report.lineage.degraded}
        </Alert>
      )}
      {problem?.reason === 'LAKE_TABLE_MISSING' && <NoSegments problem={problem} onRetry={retry} busy={isFetching} />}
      {problem && problem.reason !== 'LAKE_TABLE_MISSING' && (
        <ProblemNotice problem={problem} onRetry={retry} busy={isFetching} />
      )}
      {!problem && !data && <ReportSkeleton />}
      {report && <SegmentsReport answer={report} busy={isPlaceholderData} />}
    </Stack>
  )
}
