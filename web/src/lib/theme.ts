import { createTheme } from '@mui/material/styles'

export const THEME_STORAGE_KEY = 'shop-insight.theme'

const HEADING = { fontWeight: 650, letterSpacing: '-0.02em' }

/** The colours of both schemes; a canvas needs the values, since it knows no CSS variables. */
export const palettes = {
  light: {
    primary: { main: '#0b6e69', dark: '#07514e', light: '#2f8f89', contrastText: '#ffffff' },
    secondary: { main: '#b26a00' },
    success: { main: '#14693c' },
    warning: { main: '#a15c00' },
    error: { main: '#b3261e' },
    background: { default: '#f6f7f9', paper: '#ffffff' },
    text: { primary: '#121a26', secondary: '#545f71' },
    divider: '#e2e6ec',
  },
  dark: {
    primary: { main: '#55cfc4', dark: '#2fa89e', light: '#8be3db', contrastText: '#04211f' },
    secondary: { main: '#f2b04c' },
    success: { main: '#62cf97' },
    warning: { main: '#f0b355' },
    error: { main: '#ff8f85' },
    background: { default: '#0c1219', paper: '#141c26' },
    text: { primary: '#e8edf4', secondary: '#9ba8ba' },
    divider: '#263241',
  },
}

/** The look of the product in both colour schemes, as CSS variables so that switching repaints nothing else. */
export const theme = createTheme({
  cssVariables: { colorSchemeSelector: '[data-color-scheme="%s"]', cssVarPrefix: 'si' },
  colorSchemes: { light: { palette: palettes.light }, dark: { palette: palettes.dark } },
  shape: { borderRadius: 10 },
  typography: {
    fontFamily: '"Inter Variable", system-ui, -apple-system, "Segoe UI", sans-serif',
    h1: { ...HEADING, fontSize: 'clamp(1.5rem, 1.2rem + 1.2vw, 2rem)', lineHeight: 1.2 },
    h2: { ...HEADING, fontSize: '1.125rem', lineHeight: 1.35, letterSpacing: '-0.01em' },
    h3: { ...HEADING, fontSize: '1rem', lineHeight: 1.4, letterSpacing: '-0.005em' },
    body2: { lineHeight: 1.55 },
    overline: { fontWeight: 600, letterSpacing: '0.06em', lineHeight: 1.6, fontSize: '0.6875rem' },
    button: { textTransform: 'none', fontWeight: 600 },
  },
  components: {
    MuiCssBaseline: {
      styleOverrides: {
        body: { fontFeatureSettings: '"cv11", "ss03"' },
        ':focus-visible': { outline: '2px solid var(--si-palette-primary-main)', outlineOffset: 2 },
        '@media (prefers-reduced-motion: reduce)': {
          '*, ::before, ::after': { animationDuration: '0.01ms !important', transitionDuration: '0.01ms !important' },
        },
      },
    },
    MuiButtonBase: {
      styleOverrides: {
        root: { '&.Mui-focusVisible': { outline: '2px solid var(--si-palette-primary-main)', outlineOffset: 2 } },
      },
    },
    MuiPaper: { defaultProps: { elevation: 0 } },
    MuiCard: { defaultProps: { variant: 'outlined' }, styleOverrides: { root: { backgroundImage: 'none' } } },
    MuiDialog: {
      styleOverrides: {
        paper: ({ theme: t }) => ({ backgroundImage: 'none', border: `1px solid ${t.vars.palette.divider}` }),
      },
    },
    MuiButton: { defaultProps: { disableElevation: true } },
    MuiToggleButton: { styleOverrides: { root: { paddingInline: 16 } } },
    MuiTableCell: {
      styleOverrides: {
        root: ({ theme: t }) => ({
          borderColor: t.vars.palette.divider,
          padding: '11px 12px',
          lineHeight: '20px',
          '&:first-of-type': { paddingLeft: 20 },
          // The first of its type where the row begins with a heading, and yet not the first cell.
          'th + &&': { paddingLeft: 12 },
          '&:last-of-type': { paddingRight: 20 },
        }),
        head: ({ theme: t }) => ({
          color: t.vars.palette.text.secondary,
          fontWeight: 600,
          fontSize: '0.8125rem',
          lineHeight: 1.3,
        }),
      },
    },
    MuiTooltip: { defaultProps: { arrow: true } },
  },
})
