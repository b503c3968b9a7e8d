import Stack from '@mui/material/Stack'
import Typography from '@mui/material/Typography'

interface PageHeaderProps {
  /** Title of the browser tab, where it differs. */
  tab?: string
  title: string
  detail?: string
}

/** The title of a page and what it is about; names the browser tab too. */
export function PageHeader({ title, tab = title, detail }: PageHeaderProps) {
  return (
    <Stack spacing={0.75}>
      <title>{`${tab} · Shop Insight`}</title>
      <Typography variant="h1">{title}</Typography>
      {detail && (
        <Typography color="textSecondary" sx={{ maxWidth: '76ch' }}>
          {detail}
        </Typography>
      )}
    </Stack>
  )
}
