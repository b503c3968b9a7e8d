import Box from '@mui/material/Box'
import Stack from '@mui/material/Stack'
import Typography from '@mui/material/Typography'
import { Logo } from '@/components/logo'

const BARS = [34, 46, 40, 58, 52, 70, 64, 84, 78, 98, 112, 128]

/** The product in a sentence over a rising row of bars; decoration, hidden on narrow screens. */
export function Artwork() {
  return (
    <Stack
      component="aside"
      aria-label="About Shop Insight"
      sx={{
        display: { xs: 'none', md: 'flex' },
        position: 'sticky',
        top: 0,
        height: '100dvh',
        justifyContent: 'space-between',
        overflow: 'hidden',
        color: '#eaf4f3',
        bgcolor: '#0a3f3d',
        backgroundImage: 'radial-gradient(120% 90% at 0% 0%, #11655f 0%, #0a3f3d 55%, #082e2e 100%)',
        px: 6,
        pt: 3.5,
      }}
    >
      <Logo />
      <Stack spacing={2} sx={{ maxWidth: 440 }}>
        <Typography component="p" sx={{ fontSize: 'clamp(1.75rem, 2.6vw, 2.5rem)', fontWeight: 680, lineHeight: 1.15, letterSpacing: '-0.025em' }}>
          Your shop’s data in, answers out.
        </Typography>
        <Typography sx={{ color: '#b9d6d3' }}>
          Segments, forecasts, fraud decisions and market insight from one validated lake, each number traceable to
          where it came from.
        </Typography>
      </Stack>
      <Box component="svg" viewBox="0 0 480 150" aria-hidden sx={{ width: 'calc(100% + 96px)', mx: -6, display: 'block' }}>
        {BARS.map((height, index) => (
          <rect
            key={index}
            x={24 + index * 37}
            y={150 - height}
            width="25"
            height={height}
            rx="5"
            fill={index === BARS.length - 1 ? '#f2b04c' : '#7fd6cc'}
            fillOpacity={index === BARS.length - 1 ? 1 : 0.16 + index * 0.045}
          />
        ))}
      </Box>
    </Stack>
  )
}
