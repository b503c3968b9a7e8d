import Box from '@mui/material/Box'
import Button from '@mui/material/Button'
import Stack from '@mui/material/Stack'
import { useEffect, useRef } from 'react'
import { NavLink, Outlet, useLocation } from 'react-router'
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
  { path: `${ROOT}/versions`, title: 'Model versions' },
  { path: `${ROOT}/drivers`, title: 'Why it moved' },
  { path: `${ROOT}/revenue`, title: 'Revenue' },
  { path: `${ROOT}/correlations`, title: 'What moves together' },
  { path: `${ROOT}/prices`, title: 'Prices' },
  { path: `${ROOT}/products`, title: 'Products' },
]

/** The views of the Market Intelligence Hub: in a row that scrolls on a narrow screen, each a page of its own below. */
export function MarketFrame() {
  const mayRun = useMay('market_intel:run')
  const row = useRef<HTMLElement>(null)
  const { pathname } = useLocation()
  useEffect(() => {
    if (row.current) showCurrent(row.current)
  }, [pathname])
  return (
    <Stack spacing={3}>
      <Box ref={row} component="nav" aria-label="Market intelligence" sx={{ position: 'relative', display: 'flex', flexWrap: { xs: 'nowrap', md: 'wrap' }, overflowX: 'auto', gap: 0.5, mx: { xs: -2, sm: 0 }, px: { xs: 2, sm: 0 }, py: 0.5 }}>
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

/** Scrolls the row, where it has no room for all, until the view that is open stands in its middle. */
function showCurrent(row: HTMLElement): void {
  const current = row.querySelector<HTMLElement>('[aria-current="page"]')
  if (current) row.scrollLeft = current.offsetLeft - (row.clientWidth - current.offsetWidth) / 2
}
