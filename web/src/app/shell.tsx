import Box from '@mui/material/Box'
import Container from '@mui/material/Container'
import LinearProgress from '@mui/material/LinearProgress'
import Link from '@mui/material/Link'
import { useEffect, useRef } from 'react'
import { Outlet, ScrollRestoration, useLocation, useNavigation } from 'react-router'
import { OfflineNotice } from '@/components/offline-notice'
import { TopBar } from '@/app/top-bar'

/** The frame around every page of a logged-in person. */
export function Shell() {
  const main = useRef<HTMLElement>(null)
  const navigation = useNavigation()
  useFocusOnNavigation(main)
  return (
    <Box sx={{ minHeight: '100dvh', display: 'flex', flexDirection: 'column' }}>
      <SkipLink />
      <TopBar />
      <OfflineNotice />
      {navigation.state !== 'idle' && (
        <LinearProgress aria-label="Loading the page" sx={{ position: 'fixed', insetInline: 0, top: 0, zIndex: 1300, height: 2 }} />
      )}
      <Container
        ref={main}
        component="main"
        id="content"
        tabIndex={-1}
        maxWidth="xl"
        sx={{ flex: 1, py: { xs: 3, md: 5 }, outline: 'none !important' }}
      >
        <Outlet />
      </Container>
      <ScrollRestoration />
    </Box>
  )
}

function SkipLink() {
  return (
    <Link
      href="#content"
      sx={{
        position: 'fixed',
        top: 8,
        left: 8,
        zIndex: 1400,
        px: 2,
        py: 1,
        borderRadius: 1,
        bgcolor: 'background.paper',
        transform: 'translateY(-200%)',
        '&:focus': { transform: 'none' },
      }}
    >
      Skip to the content
    </Link>
  )
}

/** Moves the focus to the new page, as a page load would; not on the first one. */
function useFocusOnNavigation(main: React.RefObject<HTMLElement | null>) {
  const { pathname } = useLocation()
  const last = useRef(pathname)
  useEffect(() => {
    if (last.current === pathname) return
    last.current = pathname
    main.current?.focus({ preventScroll: true })
  }, [pathname, main])
}
