import Alert from '@mui/material/Alert'
import Stack from '@mui/material/Stack'
import { ExportMenu } from '@/components/export-menu'
import { SegmentsIcon } from '@/components/icons'
import { NotMadeYet } from '@/components/not-made-yet'
import { PageHeader } from '@/components/page-header'
import { ProblemNotice } from '@/components/problem-notice'
import { segmentsPath, useSegments } from '@/features/segments/api/get-segments'
import { SegmentsReport } from '@/features/segments/components/segments-report'
import { ReportSkeleton } from '@/features/segments/components/report-skeleton'
import { ViewControls } from '@/features/segments/components/view-controls'
import { useView } from '@/features/segments/view'
import { fileNameOf } from '@/lib/file-name'
import { problemFromError } from '@/lib/problem'

const WRONG_DAY = new Set(['AS_OF_OUT_OF_RANGE', 'INVALID_AS_OF'])

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
        detail="Who your customers are by recency, frequency and spend, and what to do for each group."
      />
      <ViewControls view={view} onChange={changeView}>
        <ExportMenu path={segmentsPath(view)} name={fileNameOf('customer-segments', view.method, view.asOf)} disabled={!report || isPlaceholderData} />
      </ViewControls>
      {report?.lineage?.degraded && (
        <Alert severity="warning" variant="outlined" sx={{ bgcolor: 'background.paper' }}>
          The newest table version could not be read; an older one is shown. {report.lineage.degraded}
        </Alert>
      )}
      {problem?.reason === 'LAKE_TABLE_MISSING' && <NotMadeYet title="No segments yet" Icon={SegmentsIcon} problem={problem} onRetry={retry} busy={isFetching} />}
      {problem && problem.reason !== 'LAKE_TABLE_MISSING' && (
        <ProblemNotice
          problem={problem}
          busy={isFetching}
          {...(WRONG_DAY.has(problem.reason)
            ? { onRetry: () => changeView({ asOf: undefined }), retry: 'Show the newest' }
            : { onRetry: retry })}
        />
      )}
      {!problem && !data && <ReportSkeleton />}
      {report && <SegmentsReport answer={report} busy={isPlaceholderData} />}
    </Stack>
  )
}
