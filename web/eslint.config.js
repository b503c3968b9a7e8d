import js from '@eslint/js'
import jsxA11y from 'eslint-plugin-jsx-a11y'
import reactHooks from 'eslint-plugin-react-hooks'
import ts from 'typescript-eslint'

const FEATURES = ['account', 'admin', 'alerts', 'auth', 'home', 'market-intel', 'operations', 'pipeline', 'segments', 'systems']

/** Imports go one way: lib, components → features → app. */
function mayNotImport(files, group, message) {
  return { files, rules: { 'no-restricted-imports': ['error', { patterns: [{ group, message }] }] } }
}

export default ts.config(
  { ignores: ['dist', 'src/api/schema.d.ts', 'public'] },
  js.configs.recommended,
  ts.configs.strict,
  reactHooks.configs.flat.recommended,
  jsxA11y.flatConfigs.recommended,
  {
    rules: {
      '@typescript-eslint/consistent-type-imports': 'error',
      // Focus is moved to what a person just asked for: the first field of a form they opened.
      'jsx-a11y/no-autofocus': 'off',
    },
  },
  mayNotImport(['src/lib/**'], ['@/components/*', '@/features/*', '@/app/*'], 'lib imports lib only'),
  mayNotImport(['src/components/**'], ['@/features/*', '@/app/*'], 'components import lib and components only'),
  ...FEATURES.map((feature) =>
    mayNotImport(
      [`src/features/${feature}/**`],
      ['@/app/*', ...FEATURES.filter((other) => other !== feature).map((other) => `@/features/${other}/*`)],
      'a feature imports lib, components and itself only',
    ),
  ),
)
