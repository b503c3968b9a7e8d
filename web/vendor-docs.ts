import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { basename, dirname, join } from 'node:path'
import type { Plugin } from 'vite'

const FILES = {
  'swagger-ui': { package: 'swagger-ui-dist', files: ['swagger-ui.css', 'swagger-ui-bundle.js', 'oauth2-redirect.js', 'LICENSE'] },
  redoc: { package: 'redoc', files: ['bundles/redoc.standalone.js', 'LICENSE'] },
}
// ReDoc shows its maker's logo from a CDN; a page of ours asks nothing of anybody else.
const REMOTE_LOGO = 'https://cdn.redoc.ly/redoc/logo-mini.svg'
const EMPTY_IMAGE = 'data:image/gif;base64,R0lGODlhAQABAAAAACH5BAEKAAEALAAAAAABAAEAAAICTAEAOw=='

/** Copies the API documentation viewers to dist/vendor, so that the gateway serves them without a CDN. */
export function vendorDocs(): Plugin {
  let outDir = 'dist'
  return {
    name: 'vendor-docs',
    apply: 'build',
    configResolved: (config) => {
      outDir = config.build.outDir
    },
    closeBundle: () => {
      const require = createRequire(import.meta.url)
      for (const [folder, source] of Object.entries(FILES)) {
        const root = dirname(require.resolve(`${source.package}/package.json`))
        const target = join(outDir, 'vendor', folder)
        mkdirSync(target, { recursive: true })
        for (const file of source.files) {
          const text = readFileSync(join(root, file), 'utf8')
          writeFileSync(join(target, basename(file)), text.replaceAll(REMOTE_LOGO, EMPTY_IMAGE))
        }
      }
    },
  }
}
