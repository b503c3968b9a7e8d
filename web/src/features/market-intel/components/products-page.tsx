import Box from '@mui/material/Box'
import FormControlLabel from '@mui/material/FormControlLabel'
import Stack from '@mui/material/Stack'
import Switch from '@mui/material/Switch'
import Typography from '@mui/material/Typography'
import { ExportMenu } from '@/components/export-menu'
import { LineageLine } from '@/components/lineage-line'
import { PageHeader } from '@/components/page-header'
import { productsPath, useProducts } from '@/features/market-intel/api/products'
import { Degraded } from '@/features/market-intel/components/answered'
import { AnswerTable } from '@/features/market-intel/components/answer-table'
import { Brands } from '@/features/market-intel/components/brands'
import { Choice } from '@/features/market-intel/components/choice'
import type { AnswerRow } from '@/features/market-intel/answer-columns'
import { RiskReasons } from '@/features/market-intel/components/risk-reasons'
import { Section } from '@/features/market-intel/components/section'
import { Toolbar } from '@/features/market-intel/components/toolbar'
import { TypedField } from '@/features/market-intel/components/typed-field'
import { sortingOf, sortOf } from '@/features/market-intel/sort'
import { useView } from '@/features/market-intel/view'
import { fileNameOf } from '@/lib/file-name'
import { formatCount, formatDay } from '@/lib/format'
import { usePages } from '@/lib/use-pages'

const FIRST_VIEW = { sort: '-sales', at_risk: '', name: '', brand: '', region: '' }

/** A table holds what one compares products by; the rest is in its exports. */
const LEFT_TO_EXPORTS = ['product_id', 'region', 'department_name', 'share_of_category_pct', 'unit_price', 'velocity_vs_brand_pct', 'units_before', 'sales_before', 'category_growth_pct', 'gross_profit', 'customers', 'brand_velocity', 'days_since_sold', 'last_sold_on', 'is_at_risk']

/** What each product did lately, how it stands against its brand and category, and which are at risk and why. */
export function ProductsPage() {
  const [view, change] = useView(FIRST_VIEW)
  const question = { ...view, at_risk: view.at_risk !== '' }
  const { token, pages } = usePages(JSON.stringify(view))
  const asked = useProducts(question, token)
  const answer = asked.data
  const regions = answer?.regions ?? []
  return (
    <Stack spacing={4}>
      <Stack spacing={3}>
        <PageHeader title="Products" detail={measured(answer?.from, answer?.to)} />
        <Toolbar label="Which products" end={<ExportMenu path={productsPath(question)} name={fileNameOf('products', question.at_risk ? 'at-risk' : '', view.brand, view.name, view.region)} disabled={!answer?.items.length} />}>
          <TypedField label="Name" value={view.name} onChange={(name) => change({ name })} />
          <TypedField label="Brand" value={view.brand} onChange={(brand) => change({ brand })} />
          {regions.length > 1 && <Choice label="Region" value={view.region || (answer?.region ?? '')} options={regions.map((value) => ({ value, title: value === 'all' ? 'All regions' : value }))} onChange={(region) => change({ region })} />}
          <FormControlLabel control={<Switch checked={question.at_risk} onChange={(event) => change({ at_risk: event.target.checked ? 'yes' : '' })} />} label="Only those at risk" />
        </Toolbar>
        <Degraded lineage={answer?.lineage} />
        <AnswerTable
          label="Products"
          answer={answer}
          keys={['name', 'product_id', 'currency_code']}
          hidden={LEFT_TO_EXPORTS}
          cells={{ name: (row) => <ProductName row={row} />, risk_reasons: (row) => <RiskReasons reasons={row.risk_reasons} /> }}
          asked={asked}
          empty="No product fits these filters."
          sorting={sortingOf(view.sort)}
          onSort={(sorting) => change({ sort: sortOf(sorting) })}
          pages={pages(answer)}
          toolbar={answer && <Typography variant="body2">{formatCount(answer.at_risk ?? 0)} of {formatCount(answer.total_size ?? answer.items.length)} products are at risk.</Typography>}
        />
        {answer?.lineage && <LineageLine lineage={answer.lineage} />}
      </Stack>
      <Section title="Brands" detail="Each brand measured against the categories it sells in.">
        <Brands region={view.region} />
      </Section>
    </Stack>
  )
}

/** The name of a product, and its id below: many share a name. */
function ProductName({ row }: { row: AnswerRow }) {
  return (
    <Box sx={{ minWidth: { md: 180 } }}>
      {String(row.name ?? '–')}
      <Typography variant="caption" component="div" color="textSecondary">
        {String(row.product_id)}
      </Typography>
    </Box>
  )
}

function measured(from: string | undefined, to: string | undefined): string {
  const days = from && to ? ` (${formatDay(from)} – ${formatDay(to)})` : ''
  return `What each did in the last 90 days${days} against the 90 before.`
}
