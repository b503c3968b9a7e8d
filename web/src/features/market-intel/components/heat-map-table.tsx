import Box from '@mui/material/Box'
import type { SystemStyleObject } from '@mui/system'
import type { Theme } from '@mui/material/styles'
import { VisuallyHidden } from '@/components/visually-hidden'
import { depthOf, type HeatCell, type HeatMap } from '@/features/market-intel/heat-map'
import { formatRatio } from '@/lib/format'

/** A table whose cells are coloured by their value: a heat map that can be read, scrolled and copied as any table. */
export function HeatMapTable({ label, map }: { label: string; map: HeatMap }) {
  return (
    <Box tabIndex={0} role="region" aria-label={`${label}, scrollable`} sx={{ overflow: 'auto', maxHeight: { xs: 520, md: 'none' }, position: 'relative' }}>
      <Box component="table" aria-label={label} sx={TABLE}>
        <thead>
          <tr>
            <th scope="col">
              <VisuallyHidden>Part of the business</VisuallyHidden>
            </th>
            {map.columns.map(({ value, title }) => (
              <th key={value} scope="col">
                <span>{title}</span>
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {map.rows.map((row, index) => (
            <tr key={row.value}>
              <th scope="row">{row.title}</th>
              {map.columns.map((column, place) => (
                <Cell key={column.value} cell={map.cells[index]?.[place]} title={`${row.title}, ${column.title}`} />
              ))}
            </tr>
          ))}
        </tbody>
      </Box>
    </Box>
  )
}

function Cell({ cell, title }: { cell: HeatCell | undefined; title: string }) {
  if (cell === undefined) return <td aria-label="The same" />
  if (cell.value === null) return <td title={title}>–</td>
  return (
    <td title={title} className={`${cell.value < 0 ? 'against' : 'with'}-${depthOf(cell.value)}${cell.significant ? ' sure' : ''}`}>
      {formatRatio(cell.value)}
      {!cell.significant && <VisuallyHidden> (may be chance)</VisuallyHidden>}
    </td>
  )
}

/** The deepest tint still lets the text be read in both schemes. */
const DEEPEST_PCT = 45

function tints(name: string, color: string): SystemStyleObject<Theme> {
  const depths = Array.from({ length: 11 }, (_, depth) => depth)
  return Object.fromEntries(depths.map((depth) => [`& .${name}-${depth}`, { backgroundColor: `color-mix(in srgb, var(--si-palette-${color}-main) ${(depth * DEEPEST_PCT) / 10}%, transparent)` }]))
}

const TABLE: SystemStyleObject<Theme> = {
  borderCollapse: 'separate',
  borderSpacing: '2px',
  fontSize: '0.8125rem',
  fontVariantNumeric: 'tabular-nums',
  color: 'text.secondary',
  '& td': { minWidth: 52, height: 34, textAlign: 'center', borderRadius: '4px', color: 'text.primary' },
  '& .sure': { fontWeight: 700 },
  '& th': { fontWeight: 600, textAlign: 'left', bgcolor: 'background.paper', whiteSpace: 'nowrap' },
  '& thead th': { position: 'sticky', top: 0, zIndex: 1, verticalAlign: 'bottom', px: 0, pb: 0.75 },
  '& thead th > span': { display: 'inline-block', writingMode: 'vertical-rl', transform: 'rotate(180deg)', maxHeight: 140, overflow: 'hidden', textOverflow: 'ellipsis' },
  '& tbody th': { position: 'sticky', left: 0, zIndex: 1, pr: 1.25, maxWidth: { xs: 116, sm: 220 }, overflow: 'hidden', textOverflow: 'ellipsis' },
  '& thead th:not(:first-of-type)': { textAlign: 'center' },
  ...tints('with', 'primary'),
  ...tints('against', 'secondary'),
}
