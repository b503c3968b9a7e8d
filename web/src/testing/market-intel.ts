import { answers, answersBy, server } from '@/testing/server'

/** Answers of the Market Intelligence Hub as the contract has them, cut down to a few rows. */
export const API = '*/api/v1/market-intelligence'
export const ANALYST = { permissions: ['market_intel:read', 'market_intel:run'] }

const column = (name: string, type: string, unit = '') => ({ name, type, unit, description: `About ${name}` })

export const lineage = (table: string) => ({
  table,
  version: 4,
  data_through_on: '2026-03-03',
  model_name: '',
  model_version: '',
  computed_at: '2026-03-04T04:40:00Z',
  degraded: '',
})

export const operation = (more: object = {}) => ({
  name: 'market_intel/op1',
  done: false,
  progress_pct: 0,
  phrase: '',
  kind: 'forecast',
  created_at: '2026-03-04T04:40:00Z',
  cancellable: true,
  ...more,
})

const ahead = (ds: string, median: number) => ({ ds, mean: median, median, lower_80: median - 10, upper_80: median + 10, lower_95: median - 20, upper_95: median + 20 })

export const FIGURES = { rmse: 12.5, mae: 9.25, smape: 8.1, mase: 0.82, r2: 0.6, pinball: 3.4, coverage_80_pct: 79.2, coverage_95_pct: 94.1, bias_pct: -1.4 }

export const FORECAST = {
  forecast: [ahead('2026-03-04', 120), ahead('2026-03-05', 130)],
  chosen: [{ model: 'theta', why: 'Theta erred least: MASE 0.82 against 1.00.', intervals: 'conformal, from the backtest', told: '', metrics: FIGURES, components: [] }],
  notes: ['2 days without a sale count as 0.'],
  forecast_id: '',
  series_count: 1,
  row_count: 2,
  metric: 'revenue',
  frequency: 'day',
  lineage: lineage('market_intel.revenue_daily'),
  history: [
    { ds: '2026-03-02', y: 100 },
    { ds: '2026-03-03', y: 110 },
  ],
}

export const STORED = {
  items: FORECAST.forecast.map((row, index) => ({ metric: 'revenue', frequency: 'day', level: 'total', series_id: 'all', horizon: index + 1, chosen_model: 'theta', ...row })),
  columns: [column('ds', 'DATE'), column('median', 'DOUBLE')],
  total_size: 2,
  lineage: lineage('market_intel.forecasts'),
}

export const TRIED = {
  items: [
    { model: 'seasonal_naive', chosen: false, why: null, intervals: null, ...FIGURES, mase: 1 },
    { model: 'theta', chosen: true, why: 'Theta erred least on 3 origins.', intervals: 'conformal', ...FIGURES },
  ],
  columns: [],
  total_size: 2,
}

export const LEAGUE = {
  models: [
    { model: 'prophet', title: 'Prophet', seconds: 0, note: 'Too short: 2 weeks.' },
    { model: 'seasonal_naive', title: 'Seasonal naive', metrics: { ...FIGURES, mase: 1 }, seconds: 0.01, note: '' },
    { model: 'ets', title: 'ETS', metrics: { ...FIGURES, mase: 1.2 }, seconds: 1.5, worse_than_naive_pct: 100, note: '' },
    { model: 'theta', title: 'Theta', metrics: FIGURES, seconds: 0.2, worse_than_naive_pct: 0, note: '' },
  ],
  chosen: 'theta',
  why: 'Theta erred least.',
  notes: [],
  series_count: 1,
  origins: 3,
  horizon: 28,
}

export const TRENDS = {
  items: [
    { metric: 'revenue', frequency: 'week', region: 'all', ds: '2026-02-16', value: 1000, moving_average: null, is_anomaly: false },
    { metric: 'revenue', frequency: 'week', region: 'all', ds: '2026-02-23', value: 3000, moving_average: 2000, is_anomaly: true },
  ],
  columns: [column('ds', 'DATE'), column('value', 'DOUBLE')],
  total_size: 2,
  lineage: lineage('market_intel.trends'),
  metric: 'revenue',
  frequency: 'week',
  region: 'all',
  regions: ['all', 'North'],
  direction: { direction: 'up', slope: 12.5, slope_pct: 1.2, p_value: 0.0004, is_significant: true, test: 'Mann-Kendall', periods: 26, note: '' },
  growth_wow_pct: 200,
  growth_mom_pct: -3.25,
  momentum_pct: 4,
  anomalies: 1,
  unit: 'USD',
}

export const TILES = {
  name: 'executive',
  systems: [
    { system: 'demand', title: 'Demand', tiles: [{ key: 'customers', title: 'Customers who bought', value: 2468, unit: '' }] },
    { system: 'market_intel', title: 'Market', tiles: [{ key: 'revenue', title: 'Revenue, last 30 days', value: 125000.5, unit: 'USD', change_pct: -2.5 }] },
  ],
  missing: [],
}

export const DRIVERS = {
  metric: 'revenue',
  unit: 'USD',
  total_before: 1000,
  total_after: 1100.1,
  change: 100.1,
  change_pct: 10.01,
  effects: [
    { driver: 'lost_customers', title: 'Lost customers', contribution: -50.05, starts_at: 1000, ends_at: 949.95 },
    { driver: 'price', title: 'Price', contribution: 150.15, starts_at: 949.95, ends_at: 1100.1 },
  ],
  segments: [
    { dimension: 'channel', segment: 'store', segment_name: 'Store', before: 400, after: 380.05, contribution: -19.95, volume: -19.95, mix: 0, price: 0, fees_and_taxes: 0 },
    { dimension: 'channel', segment: 'online', segment_name: 'Online', before: 600, after: 720.05, contribution: 120.05, change_pct: 20.01, volume: 100, mix: 10.05, price: 10, fees_and_taxes: 0 },
    { dimension: 'region', segment: 'North', segment_name: 'North', before: 1000, after: 1100.1, contribution: 100.1, volume: 100.1, mix: 0, price: 0, fees_and_taxes: 0 },
  ],
  before_from: '2026-01-01',
  before_to: '2026-01-31',
  from: '2026-02-01',
  to: '2026-02-28',
  summary: ['Revenue rose by $100.10.'],
  notes: ['The periods are of different length.'],
  lineage: lineage('market_intel.customer_daily'),
}

export const REVENUE = {
  items: [
    { period_on: '2026-01-01', channel: 'online', revenue: 600, share_pct: 60, orders: 6 },
    { period_on: '2026-01-01', channel: 'store', revenue: 400, share_pct: 40, orders: 5 },
    { period_on: '2026-02-01', channel: 'online', revenue: 700.5, share_pct: 100, orders: 7 },
  ],
  columns: [column('period_on', 'DATE'), column('channel', 'VARCHAR'), column('revenue', 'DECIMAL(18,2)', 'USD'), column('share_pct', 'DOUBLE', '%'), column('orders', 'BIGINT', 'orders')],
  total_size: 3,
  lineage: lineage('market_intel.revenue_daily'),
  basis: 'orders',
  total: 1700.5,
  from: '2026-01-01',
  to: '2026-02-28',
  currencies: ['USD'],
  notes: [],
}

export const MARGINS = {
  items: [{ period_on: '2026-01-01', channel: 'online', sales: 1000, cogs: 600, gross_profit: 400, gross_margin_pct: 40 }],
  columns: [column('channel', 'VARCHAR'), column('sales', 'DECIMAL(18,2)', 'USD'), column('cogs', 'DECIMAL(18,2)', 'USD'), column('gross_margin_pct', 'DOUBLE', '%')],
  total_size: 1,
  attributions: [
    { cost: 'cogs', method: 'units × unit cost', is_included: true },
    { cost: 'marketing', method: 'no spend is known', is_included: false },
  ],
  cost_unknown_pct: 2.5,
  currencies: ['USD'],
}

export const CONCENTRATION = {
  by: 'customer',
  members: 500,
  revenue: 1700.5,
  top_20_revenue_pct: 63.4,
  members_for_80_pct: 180,
  members_for_80_pct_share: 36,
  gini: 0.58,
  hhi: 42.4,
  lorenz: [
    { members_pct: 20, revenue_pct: 63.4 },
    { members_pct: 100, revenue_pct: 100 },
  ],
  from: '2026-01-01',
  to: '2026-02-28',
  currencies: ['USD'],
}

export const PRICES = {
  items: [
    { product_id: 'p1', product_name: 'Kettle', competitor: 'Rival', list_price: 24, competitor_price: 20, currency_code: 'EUR', gap_pct: 20, undercuts: true },
    { product_id: 'p2', product_name: 'Toaster', competitor: 'Rival', list_price: 30, competitor_price: null, currency_code: 'EUR', gap_pct: null, undercuts: null },
  ],
  columns: [
    column('product_id', 'VARCHAR'),
    column('product_name', 'VARCHAR'),
    column('competitor', 'VARCHAR'),
    column('list_price', 'DECIMAL(18,2)', 'currency_code'),
    column('competitor_price', 'DECIMAL(18,2)', 'currency_code'),
    column('currency_code', 'VARCHAR'),
    column('gap_pct', 'DOUBLE', '%'),
    column('undercuts', 'BOOLEAN'),
  ],
  total_size: 2,
  lineage: lineage('market_intel.competitive_pricing'),
  group_by: 'product',
  competitors: [
    { competitor: 'Cheapo', products: 3, price_index: 110, undercuts_pct: 66.7 },
    { competitor: 'Rival', products: 2, price_index: 95.5, undercuts_pct: 10 },
  ],
  price_index: 102.4,
  not_convertible: 1,
}

export const WARS = {
  items: [{ category_id: 'c1', competitor: 'Rival', starts_on: '2026-01-05', ends_on: '2026-02-01', is_ongoing: false, depth_pct: -18 }],
  columns: [column('category_id', 'VARCHAR'), column('competitor', 'VARCHAR'), column('starts_on', 'DATE'), column('ends_on', 'DATE'), column('is_ongoing', 'BOOLEAN'), column('depth_pct', 'DOUBLE', '%')],
  total_size: 1,
  next_page_token: '',
}

export const PRODUCTS = {
  items: [
    { product_id: 'p1', name: 'Kettle', region: 'all', currency_code: 'USD', sales: 1200, velocity: 1.25, is_at_risk: true, risk_reasons: 'sales fell by 40 %; not sold for 30 days' },
    { product_id: 'p2', name: 'Toaster', region: 'all', currency_code: 'USD', sales: 900, velocity: 0.5, is_at_risk: false, risk_reasons: null },
  ],
  columns: [
    column('product_id', 'VARCHAR'),
    column('name', 'VARCHAR'),
    column('region', 'VARCHAR'),
    column('currency_code', 'VARCHAR'),
    column('sales', 'DECIMAL(18,2)', 'currency_code'),
    column('velocity', 'DOUBLE', 'units/day'),
    column('is_at_risk', 'BOOLEAN'),
    column('risk_reasons', 'VARCHAR'),
  ],
  total_size: 2,
  next_page_token: '',
  at_risk: 1,
  from: '2025-12-04',
  to: '2026-03-03',
  region: 'all',
  regions: ['all'],
}

export const BRANDS = {
  items: [{ brand: 'Boil', sales: 2100 }],
  columns: [column('brand', 'VARCHAR'), column('sales', 'DECIMAL(18,2)', 'USD')],
  total_size: 1,
}

const SERIES: Record<string, string[]> = { total: ['all'], channel: ['online', 'store'], region: ['North'], category: ['Kitchen'], product: [] }

const OUTCOMES = {
  items: [
    { horizon: 1, within_80: true, within_95: true, rows: 3, scaled_error: 1.5, error: 30, actual: 300 },
    { horizon: 1, within_80: false, within_95: true, rows: 1, scaled_error: 2.5, error: 10, actual: 100 },
    { horizon: 7, within_80: false, within_95: false, rows: 2, scaled_error: 4, error: -20, actual: 200 },
  ],
}
const OUTCOMES_AHEAD = {
  items: [
    { ds: '2026-03-03', made_on: '2026-03-02', median: 105, lower_80: 95, upper_80: 112, actual: 110 },
    { ds: '2026-03-02', made_on: '2026-03-01', median: 104, lower_80: 94, upper_80: 111, actual: 100 },
  ],
}

export const CORRELATIONS = {
  items: [
    { dimension_a: 'department', value_a: 'meat', value_a_name: 'MEAT', dimension_b: 'department', value_b: 'grocery', value_b_name: 'GROCERY', pearson: 0.8, spearman: 0.81, periods: 50, p_value: 0.0004, is_significant: true },
    { dimension_a: 'department', value_a: 'meat', value_a_name: 'MEAT', dimension_b: 'department', value_b: 'toys', value_b_name: 'TOYS', pearson: -0.2, spearman: -0.24, periods: 50, p_value: 0.31, is_significant: false },
    { dimension_a: 'department', value_a: 'grocery', value_a_name: 'GROCERY', dimension_b: 'department', value_b: 'toys', value_b_name: 'TOYS', pearson: 0, spearman: -0.001, periods: 50, p_value: 1, is_significant: false },
  ],
  columns: [column('value_a', 'VARCHAR'), column('value_a_name', 'VARCHAR'), column('value_b', 'VARCHAR'), column('value_b_name', 'VARCHAR'), column('pearson', 'DOUBLE'), column('spearman', 'DOUBLE'), column('periods', 'INT'), column('p_value', 'DOUBLE'), column('is_significant', 'BOOLEAN')],
  total_size: 3,
  lineage: lineage('market_intel.sales_daily'),
  periods: 50,
  notes: ['of department the 30 largest values were compared'],
}

const version = (name: string, number: string, aliases: string[], metrics: object) => ({ name, version: number, aliases, metrics, lake_versions: { 'curated.orders': 4 }, code_version: 'abc123', registered_at: '2026-03-04T04:40:00Z' })

export const VERSIONS = {
  items: [
    version('market_intel.forecasts_day', '1.1.0', ['champion'], { through_day: 20515, series: 118, mase: 0.81 }),
    version('market_intel.forecasts_day', '1.0.0', [], { through_day: 20500, series: 118, mase: 0.84, coverage_80_pct: 79.5 }),
    version('market_intel.forecasts_week', '1.0.0', ['champion', 'shadow'], { mase: 1.2 }),
  ],
  total_size: 3,
}

const move = (at: string, model: string, number: string, previous: string, because: string) => ({ at, model: `market_intel.${model}`, alias: 'champion', version: number, previous, because })

export const MOVES = {
  items: [move('2026-03-04T04:40:00Z', 'forecasts_day', '1.1.0', '1.0.0', 'it erred 4 % less'), move('2026-02-04T04:40:00Z', 'forecasts_week', '1.0.0', '', 'first version'), move('2026-02-04T04:39:00Z', 'forecasts_day', '1.0.0', '', 'first version')],
  total_size: 3,
}

/** What `analytics/market_intel/query` answers to the questions that the pages ask of it. */
export function lakeAnswers(query: URLSearchParams): object {
  if (query.get('table') === 'forecast_backtests') return TRIED
  if (query.get('table') === 'forecast_accuracy') return query.getAll('group_by').length > 0 ? OUTCOMES : OUTCOMES_AHEAD
  if (query.get('table') === 'product_performance') return { items: [{ product_id: 'p1', name: 'Kettle', rows: 2 }] }
  if (query.get('table') === 'sales_monthly') return { items: [{ ds: '2026-02-01', sales: 70, units: 7, rows: 1 }] }
  const level = query.getAll('filters').find((filter) => filter.startsWith('level = '))?.slice('level = '.length) ?? ''
  const items = (SERIES[level] ?? []).map((series_id) => ({ series_id, rows: 28 }))
  return { items, columns: [], total_size: items.length }
}

/** The whole hub answers. */
export function hubAnswers(): void {
  server.use(
    answers('*/api/v1/dashboards/executive', TILES),
    answers('*/api/v1/analytics/market_intel/insights', { items: [{ title: 'Online grew by 20 %.', evidence: {}, score: 0.9 }], total_size: 1 }),
    answers(`${API}/trends`, TRENDS),
    answers(`${API}/forecasts`, STORED),
    answers(`${API}/drivers`, DRIVERS),
    answers(`${API}/revenue`, REVENUE),
    answers(`${API}/revenue/margins`, MARGINS),
    answers(`${API}/revenue/concentration`, CONCENTRATION),
    answers(`${API}/revenue/correlations`, CORRELATIONS),
    answers(`${API}/models`, VERSIONS),
    answers(`${API}/models/moves`, MOVES),
    answers(`${API}/pricing`, PRICES),
    answers(`${API}/pricing/wars`, WARS),
    answers(`${API}/products`, PRODUCTS),
    answers(`${API}/products/brands`, BRANDS),
    answersBy('*/api/v1/analytics/market_intel/query', lakeAnswers),
  )
}
