import Box from '@mui/material/Box'
import Stack from '@mui/material/Stack'
import { type Column, DataTable, type DataTableProps } from '@/components/data-table'
import { type RowAction, RowMenu } from '@/components/row-menu'
import { type Tone, ToneChip } from '@/components/tone-chip'
import type { Version } from '@/features/market-intel/api/versions'
import { explained, ratio } from '@/features/market-intel/backtest-figures'
import { CsvButton } from '@/features/market-intel/components/csv-button'
import { CHAMPION, modelTitle, throughDay } from '@/features/market-intel/versions'
import { capitalised } from '@/features/market-intel/words'
import { formatCount, formatDay, formatMoment } from '@/lib/format'

interface VersionsTableProps {
  asked: DataTableProps<Version>['asked']
  versions: readonly Version[]
  /** May change which version answers. */
  may: boolean
  onPromote: (version: Version) => void
  onDetails: (version: Version) => void
}

const TONES: Record<string, Tone> = { champion: 'success', challenger: 'warning', shadow: 'info' }

/** The registered versions, by model and newest first. */
export function VersionsTable({ asked, versions, may, onPromote, onDetails }: VersionsTableProps) {
  const actions = (version: Version): RowAction[] => [
    { title: 'Details', onChoose: () => onDetails(version) },
    ...(may && !version.aliases?.includes(CHAMPION) ? [{ title: 'Make it the champion', onChoose: () => onPromote(version) }] : []),
  ]
  return (
    <DataTable
      label="Model versions"
      columns={explained(columns(actions))}
      rows={versions}
      rowKey={keyOf}
      asked={asked}
      empty="No model has been registered yet. The next run of the pipeline registers the first."
      toolbar={
        <Box sx={{ ml: 'auto' }}>
          <CsvButton name="model-versions.csv" header={CSV_HEADER} rows={() => versions.map(csvRow)} />
        </Box>
      }
      minWidth={900}
    />
  )
}

const keyOf = ({ name, version }: Version): string => `${name} ${version}`

const columns = (actions: (version: Version) => RowAction[]): Column<Version>[] => [
  { title: 'Model', heads: true, cell: ({ name }) => modelTitle(name) },
  { title: 'Version', nowrap: true, cell: ({ version }) => version },
  {
    title: 'Role',
    cell: ({ aliases = [] }) =>
      aliases.length === 0 ? (
        '–'
      ) : (
        <Stack direction="row" spacing={0.5} useFlexGap sx={{ flexWrap: 'wrap' }}>
          {aliases.map((alias) => (
            <ToneChip key={alias} tone={TONES[alias] ?? 'neutral'} label={capitalised(alias)} />
          ))}
        </Stack>
      ),
  },
  { title: 'MASE', align: 'right', cell: ({ metrics }) => ratio(metrics?.mase) },
  { title: 'Series', align: 'right', cell: ({ metrics }) => (metrics?.series === undefined || metrics.series === null ? '–' : formatCount(metrics.series)) },
  { title: 'Data through', nowrap: true, cell: (version) => (throughDay(version) ? formatDay(throughDay(version) ?? '') : '–') },
  { title: 'Registered', nowrap: true, cell: ({ registered_at }) => (registered_at ? formatMoment(registered_at) : '–') },
  { title: 'What can be done', quiet: true, align: 'right', cell: (version) => <RowMenu label={`Actions for ${modelTitle(version.name)} ${version.version}`} actions={actions(version)} /> },
]

const CSV_HEADER = ['model', 'version', 'aliases', 'mase', 'series', 'data_through_on', 'registered_at', 'code_version', 'lake_versions'] as const

function csvRow(version: Version): (string | number)[] {
  const { name, version: number, aliases = [], metrics, registered_at, code_version, lake_versions } = version
  const lake = Object.entries(lake_versions ?? {}).map(([table, at]) => `${table}@${at}`)
  return [name, number, aliases.join(' '), metrics?.mase ?? '', metrics?.series ?? '', throughDay(version) ?? '', registered_at ?? '', code_version ?? '', lake.join(' ')]
}
