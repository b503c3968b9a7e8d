import Box from '@mui/material/Box'
import Button from '@mui/material/Button'
import Stack from '@mui/material/Stack'
import { useState } from 'react'
import { NotMadeYet } from '@/components/not-made-yet'
import { ChartIcon } from '@/components/icons'
import { PageHeader } from '@/components/page-header'
import { Said } from '@/components/said'
import { type Deed, useMoves, useVersions, type Version } from '@/features/market-intel/api/versions'
import { MovesTable } from '@/features/market-intel/components/moves-table'
import { Section } from '@/features/market-intel/components/section'
import { VersionDeed } from '@/features/market-intel/components/version-deed'
import { VersionDetails } from '@/features/market-intel/components/version-details'
import { VersionsTable } from '@/features/market-intel/components/versions-table'
import { canGoBack, modelsOf, modelTitle } from '@/features/market-intel/versions'
import { useMay } from '@/lib/context'
import { problemFromError } from '@/lib/problem'

/** The versions behind the pipeline's forecasts: which answer, how they did, what was live when, and ways to change it. */
export function VersionsPage() {
  const versions = useVersions()
  const moves = useMoves()
  const may = useMay('market_intel:manage')
  const [deed, setDeed] = useState<Deed>()
  const [shown, setShown] = useState<Version>()
  const [said, setSaid] = useState('')
  const all = versions.data ?? []
  const done = (now: Version | null, what: Deed) => {
    setDeed(undefined)
    setSaid(`${modelTitle(what.model)}: version ${now?.version ?? ''} is the champion now. The next run of the pipeline forecasts by it.`)
  }
  const missing = versions.error ? problemFromError(versions.error) : undefined
  return (
    <Stack spacing={4}>
      <PageHeader title="Model versions" detail="How each series is forecast is chosen anew when the data change enough, and registered as a version. One is the champion; another may be on trial before it takes over." />
      {missing?.reason === 'MODEL_MANIFEST_MISSING' ? (
        <NotMadeYet title="Here the model versions will stand" Icon={ChartIcon} problem={missing} onRetry={() => void versions.refetch()} busy={versions.isFetching} />
      ) : (
        <>
          <Section title="Versions">
            {may && <GoBack models={modelsOf(all).filter((model) => canGoBack(model, moves.data ?? []))} onChoose={(model) => setDeed({ kind: 'rollback', model })} />}
            <VersionsTable asked={versions} versions={all} may={may} onPromote={({ name, version }) => setDeed({ kind: 'promote', model: name, version })} onDetails={setShown} />
          </Section>
          <Section title="What was live when" detail="Each time another version took over a role, newest first.">
            <MovesTable asked={moves} moves={moves.data ?? []} />
          </Section>
        </>
      )}
      {deed && <VersionDeed deed={deed} live={all.find(({ name, aliases }) => name === deed.model && aliases?.includes('champion'))?.version} onDone={(now) => done(now, deed)} onClose={() => setDeed(undefined)} />}
      {shown && <VersionDetails version={shown} onClose={() => setShown(undefined)} />}
      <Said what={said} onClose={() => setSaid('')} />
    </Stack>
  )
}

function GoBack({ models, onChoose }: { models: readonly string[]; onChoose: (model: string) => void }) {
  if (models.length === 0) return null
  return (
    <Box sx={{ display: 'flex', flexWrap: 'wrap', gap: 1 }}>
      {models.map((model) => (
        <Button key={model} variant="outlined" color="inherit" onClick={() => onChoose(model)} sx={{ bgcolor: 'background.paper', borderColor: 'divider' }}>
          {modelTitle(model)}: go back to the champion before
        </Button>
      ))}
    </Box>
  )
}
