import react from '@vitejs/plugin-react'
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'
import { vendorDocs } from './vendor-docs.ts'

// `npm run dev` proxies to a running gateway, so that cookies stay on one origin.
const gateway = process.env.GATEWAY_URL ?? 'http://127.0.0.1:8000'

export default defineConfig({
  base: '/',
  plugins: [react(), vendorDocs()],
  resolve: { alias: { '@': fileURLToPath(new URL('./src', import.meta.url)) } },
  server: { proxy: { '/api': { target: gateway, ws: true }, '/health': gateway, '/.well-known': gateway } },
  build: {
    target: 'es2022',
    // The CSP allows no data: scripts and fonts come from 'self', so nothing is inlined.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    // ECharts is one library in a chunk of its own, loaded with the first chart.
    chunkSizeWarningLimit: 600,
  },
  test: {
    environment: 'jsdom',
    setupFiles: ['src/testing/setup.ts'],
    restoreMocks: true,
    testTimeout: 30_000,
    expect: { poll: { timeout: 10_000 } },
    include: ['src/**/*.test.{ts,tsx}'],
  },
})
