import Box from '@mui/material/Box'
import Button from '@mui/material/Button'
import Stack from '@mui/material/Stack'
import { NavLink, Outlet } from 'react-router'
import { useMay } from '@/lib/context'

interface Tab {
  path: string
  title: string
  /** Begins work, which not every reader may. */
  runs?: true
}

const ROOT = '/market-intelligence'
const TABS: readonly Tab[] = [
  { path: ROOT, title: 'Overview' },
  { path: `${ROOT}/forecasts`, title: 'Forecasts' },
  { path: `${ROOT}/ask`, title: 'Ask for a forecast', runs: true },
  { path: `${ROOT}/models`, title: 'Model league', runs: true },
  { path: `${ROOT}/drivers`, title: 'Why it moved' },
  { path: `${ROOT}/revenue`, title: 'Revenue' },
  { path: `${ROOT}/prices`, title: 'Prices' },
  { path: `${ROOT}/products`, title: 'Products' },
]

/** The views of the Market Intelligence Hub: in a row that scrolls on a narrow screen, each a page of its own below. */
export function MarketFrame() {
  const mayRun = useMay('market_intel:run')
  return (
    <Stack spacing={3}>
      <Box component="nav" aria-label="Market intelligence" sx={{ display: 'flex', flexWrap: { xs: 'nowrap', md: 'wrap' }, overflowX: 'auto', gap: 0.5, mx: { xs: -2, sm: 0 }, px: { xs: 2, sm: 0 }, py: 0.5 }}>
        {TABS.filter(({ runs }) => !runs || mayRun).map(({ path, title }) => (
          <Button
            key={path}
            component={NavLink}
            to={path}
            end
            color="inherit"
            size="small"
            sx={{ flex: 'none', px: 1.5, color: 'text.secondary', '&.active': { color: 'text.primary', bgcolor: 'action.selected' } }}
          >
            {title}
          </Button>
        ))}
      </Box>
      <Outlet />
    </Stack>
  )
}
