import { copyFileSync, mkdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import { basename, dirname, join } from 'node:path'
import type { Plugin } from 'vite'

const FILES: Record<string, { package: string; files: string[] }> = {
  'swagger-ui': { package: 'swagger-ui-dist', files: ['swagger-ui.css', 'swagger-ui-bundle.js', 'LICENSE'] },
  redoc: { package: 'redoc', files: ['bundles/redoc.standalone.js', 'LICENSE'] },
}

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
        for (const file of source.files) copyFileSync(join(root, file), join(target, basename(file)))
      }
    },
  }
}
