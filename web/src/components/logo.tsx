import Box from '@mui/material/Box'
import Typography from '@mui/material/Typography'

/** The mark: three growing bars and the point that was found. */
export function LogoMark({ size = 30 }: { size?: number }) {
  return (
    <Box
      component="svg"
      viewBox="0 0 32 32"
      aria-hidden
      sx={{ width: size, height: size, flex: 'none', display: 'block' }}
    >
      <rect width="32" height="32" rx="8" fill="#0b6e69" />
      <rect x="7.5" y="17" width="4" height="8" rx="1.5" fill="#fff" fillOpacity=".72" />
      <rect x="14" y="12.5" width="4" height="12.5" rx="1.5" fill="#fff" fillOpacity=".86" />
      <rect x="20.5" y="8" width="4" height="17" rx="1.5" fill="#fff" />
      <circle cx="9.5" cy="9.5" r="2.75" fill="#f2b04c" />
    </Box>
  )
}

/** The mark with the product's name. */
export function Logo() {
  return (
    <Box sx={{ display: 'flex', alignItems: 'center', gap: 1.25 }}>
      <LogoMark />
      <Typography
        component="span"
        sx={{ fontWeight: 680, fontSize: '1.0625rem', letterSpacing: '-0.02em', whiteSpace: 'nowrap' }}
      >
        Shop Insight
      </Typography>
    </Box>
  )
}
