import Alert from '@mui/material/Alert'
import Stack from '@mui/material/Stack'
import { useMemo } from 'react'
import { ExportMenu } from '@/components/export-menu'
import { LineageLine } from '@/components/lineage-line'
import { type ForecastAnswer, keptPath } from '@/features/market-intel/api/forecast'
import { Choice } from '@/features/market-intel/components/choice'
import { CsvButton } from '@/features/market-intel/components/csv-button'
import { ForecastChart } from '@/features/market-intel/components/forecast-chart'
import { KeptRows } from '@/features/market-intel/components/kept-rows'
import { PartsChart } from '@/features/market-intel/components/parts-chart'
import { Toolbar } from '@/features/market-intel/components/toolbar'
import { WhyCard } from '@/features/market-intel/components/why-card'
import { sentence } from '@/features/market-intel/prose'
import { exportHeader, exportRows, seriesNames, seriesResult } from '@/features/market-intel/result'
import { METRICS, titleOf, unitOf } from '@/features/market-intel/words'
import { formatCount } from '@/lib/format'

interface ForecastResultProps {
  answer: ForecastAnswer
  /** Series that is shown, of several; the first where there is none of that name. */
  shown: string
  onShow: (series: string) => void
}

/** What came of a forecast that was asked for: chart, model and reason, and the rows to take along. */
export function ForecastResult({ answer, shown, onShow }: ForecastResultProps) {
  const names = useMemo(() => seriesNames(answer), [answer])
  const name = names.includes(shown) ? shown : (names[0] ?? '')
  const result = useMemo(() => seriesResult(answer, name), [answer, name])
  const unit = unitOf(answer.metric ?? '')
  const frequency = answer.frequency ?? 'day'
  const title = answer.metric ? titleOf(METRICS, answer.metric) : name || 'Forecast'
  return (
    <Stack component="section" aria-label="Result" spacing={3}>
      {answer.notes?.map((note) => (
        <Alert key={note} severity="info" variant="outlined" sx={{ bgcolor: 'background.paper' }}>
          {sentence(note)}
        </Alert>
      ))}
      <Toolbar label="The result" end={answer.forecast_id ? <ExportMenu path={keptPath(answer.forecast_id)} name="forecast" disabled={false} /> : <CsvButton name="forecast.csv" header={exportHeader(answer)} rows={() => exportRows(answer)} />}>
        {names.length > 1 && <Choice label={`Series, of ${formatCount(names.length)}`} value={name} options={names.map((value) => ({ value, title: value }))} onChange={onShow} width={260} />}
      </Toolbar>
      {names.length > 0 && <ForecastChart title={title} history={result.history} ahead={result.ahead} frequency={frequency} unit={unit} />}
      {result.choice?.components && result.choice.components.length > 0 && <PartsChart components={result.choice.components} ahead={result.ahead} frequency={frequency} unit={unit} />}
      {result.choice && <WhyCard {...result.choice} unit={unit} />}
      {names.length === 0 && answer.forecast_id && <KeptRows id={answer.forecast_id} frequency={frequency} unit={unit} />}
      {answer.lineage && <LineageLine lineage={answer.lineage} />}
    </Stack>
  )
}
