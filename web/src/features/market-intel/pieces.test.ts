import { describe, expect, it } from 'vitest'
import { askOf, FIRST_DRAFT, horizonProblem } from '@/features/market-intel/ask'
import { figuresOf } from '@/features/market-intel/backtest-figures'
import { driverRows, segmentsOf, sumOf, waterfallOf } from '@/features/market-intel/drivers'
import { heatMapOf, titlesOf } from '@/features/market-intel/heat-map'
import { actualsOf, historyFrom } from '@/features/market-intel/history'
import { betterThanBaseline, choiceOf, ranked } from '@/features/market-intel/league'
import { exportHeader, exportRows, seriesNames, seriesResult } from '@/features/market-intel/result'
import { revenueBars, revenueCells, wholePeriods } from '@/features/market-intel/revenue-rows'
import { directionPhrase } from '@/features/market-intel/trend-rows'
import { changed, viewOf } from '@/features/market-intel/view'
import { formatChange, formatFigure, formatPeriod, formatShort } from '@/features/market-intel/words'
import { DRIVERS, FORECAST, LEAGUE, REVENUE, TRENDS } from '@/testing/market-intel'

describe('a view', () => {
  const defaults = { metric: 'revenue', region: '' }

  it('is kept in the URL without its defaults, beside what others keep there', () => {
    const before = new URLSearchParams('metric=orders&grain=week')
    expect(viewOf(before, defaults)).toEqual({ metric: 'orders', region: '' })
    expect(String(changed(before, { metric: 'revenue', region: 'North' }, defaults))).toBe('grain=week&region=North')
  })
})

describe('a question', () => {
  it('of the shop names its metric and the filters that say something', () => {
    expect(askOf({ ...FIRST_DRAFT, region: 'North', model: 'theta', holidays: 'US' }, [])).toEqual({ metric: 'revenue', filters: { region: 'North' }, horizon: 28, frequency: 'day', model: 'theta', country: 'US', components: true })
  })

  it('of own series carries them, and no filter', () => {
    const series = [{ ds: '2026-01-01', y: 1 }]
    expect(askOf({ ...FIRST_DRAFT, source: 'series', region: 'North', effort: 'full', explain: 'no' }, series)).toEqual({ series, gaps: 'zero', horizon: 28, frequency: 'day', model: 'auto', effort: 'full' })
  })

  it.each([
    ['day', '366', 'A whole number from 1 to 365 days.'],
    ['week', '105', 'A whole number from 1 to 104 weeks.'],
    ['month', '1.5', 'A whole number from 1 to 36 months.'],
    ['month', '36', undefined],
    ['day', '', 'A whole number from 1 to 365 days.'],
  ])('by %s reaches %s periods ahead: %s', (frequency, horizon, problem) => {
    expect(horizonProblem({ ...FIRST_DRAFT, frequency, horizon })).toBe(problem)
  })
})

describe('an answer', () => {
  it('is told apart by series', () => {
    const [first, second] = FORECAST.forecast
    const answer = { ...FORECAST, forecast: [{ ...first, series_id: 'a' }, { ...second, series_id: 'b' }], history: [{ ds: '2026-03-03', y: 5, series_id: 'b' }, { ds: '2026-03-02', series_id: 'b' }] } as never
    expect(seriesNames(answer)).toEqual(['a', 'b'])
    expect(seriesResult(answer, 'b')).toMatchObject({ history: [{ ds: '2026-03-03', value: 5 }], ahead: [{ ds: '2026-03-05', median: 130 }], choice: undefined })
    expect(exportRows(answer)[0]).toEqual(['a', '2026-03-04', 120, 120, 110, 130, 100, 140])
    const explained = { ...(answer as object), chosen: [{ series_id: 'a', model: 'theta', components: [{ name: 'trend', values: [100, 101] }] }] } as unknown as typeof answer
    expect(exportHeader(explained).at(-1)).toBe('part_trend')
    expect(exportRows(explained)[0]?.at(-1)).toBe(100)
  })

  it('says which figures are not defined, instead of a number', () => {
    const mape = figuresOf({ mase: 0.5 } as never, 'USD').find(({ title }) => title === 'MAPE')
    expect(mape).toEqual({ title: 'MAPE', value: '–', note: 'Not defined where an outcome is 0' })
  })
})

describe('the league', () => {
  it('is in order of MASE, those without one last', () => {
    expect(ranked(LEAGUE.models as never).map(({ model }) => model)).toEqual(['theta', 'seasonal_naive', 'ets', 'prophet'])
    expect(betterThanBaseline(LEAGUE.models as never)).toEqual({ better: 1, tried: 2 })
    expect(betterThanBaseline([])).toBeUndefined()
  })

  it('marks the automatic choice itself where it combines models, and counts it among none of them', () => {
    const models = [...LEAGUE.models, { model: 'auto', metrics: { mase: 0.5 } }] as never
    expect(choiceOf('ensemble', models)).toBe('auto')
    expect(choiceOf('theta', models)).toBe('theta')
    expect(choiceOf('ensemble', LEAGUE.models as never)).toBe('ensemble')
    expect(betterThanBaseline(models)).toEqual({ better: 1, tried: 2 })
  })
})

describe('the drivers', () => {
  it('add up, over the waterfall and over the segments of a dimension', () => {
    expect(waterfallOf(DRIVERS).at(-2)?.to).toBeCloseTo(DRIVERS.total_after, 6)
    expect(sumOf(segmentsOf(DRIVERS, 'channel'))).toBe(DRIVERS.change)
    expect(segmentsOf(DRIVERS, 'channel').map(({ segment }) => segment)).toEqual(['online', 'store'])
    expect(driverRows(DRIVERS)).toHaveLength(5)
  })
})

describe('a heat map', () => {
  const pair = (value_a: string, value_b: string) => ({ value_a, value_a_name: NAMES[value_a] ?? value_a, value_b, value_b_name: NAMES[value_b] ?? value_b, pearson: 0.5, spearman: 0.5, p_value: 0.5, is_significant: false })
  const NAMES: Record<string, string> = { 'grocery.misc': 'MISC', 'meat.misc': 'MISC', 'meat.beef': 'BEEF' }
  const pairs = [pair('grocery.misc', 'meat.misc'), pair('meat.beef', 'grocery.misc'), pair('meat.beef', 'meat.misc')]

  it('is of values, named, those of one name told apart by what they are', () => {
    const { rows, columns } = heatMapOf(pairs, true)
    expect(rows).toEqual(columns)
    expect(new Map(rows.map(({ value, title }) => [value, title]))).toEqual(new Map([['grocery.misc', 'MISC (grocery.misc)'], ['meat.misc', 'MISC (meat.misc)'], ['meat.beef', 'BEEF']]))
  })

  it('names each side by itself where they are of two dimensions', () => {
    const [one, other] = titlesOf([pair('meat.beef', 'grocery.misc'), pair('meat.misc', 'grocery.misc')], false)
    expect([one.get('meat.misc'), other.get('grocery.misc')]).toEqual(['MISC', 'MISC'])
  })
})

describe('revenue', () => {
  it('is cut into cells by period and group', () => {
    expect(revenueCells(REVENUE.items, ['channel'])[0]).toEqual({ period: '2026-01-01', group: 'online', value: 600 })
    expect(revenueCells(REVENUE.items, [])[0]?.group).toBe('Revenue')
  })

  it('is ranked by name, and says what is left: the smallest groups, and what the server adds up as `other`', () => {
    const rows = [1, 5, 3, 2].map((revenue) => ({ product: `p${revenue}`, product_name: revenue > 2 ? 'MILK' : 'TEA', channel: 'online', revenue }))
    const { bars, rest } = revenueBars([...rows, { product: 'other', product_name: 'other', channel: 'online', revenue: 9 }], ['product', 'channel'], 3, 20.5)
    expect(bars.map(({ title, value }) => [title, value])).toEqual([['MILK (p5) · online', 5], ['MILK (p3) · online', 3], ['TEA (p2) · online', 2]])
    expect(rest).toBe(10.5)
  })

  it('leaves out the period that came in part where only the first rows are here', () => {
    const rows = ['2026-01-01', '2026-01-01', '2026-02-01'].map((period_on) => ({ period_on }))
    expect(wholePeriods(rows)).toHaveLength(2)
    expect(wholePeriods(rows.slice(0, 2))).toHaveLength(2)
  })
})

describe('words', () => {
  it('say where a trend is heading and how sure that is', () => {
    expect(directionPhrase(TRENDS.direction, 'week', 'USD')).toBe('It rises by $12.50 (1.2%) a week over the last 26 periods, p < 0.001.')
    expect(directionPhrase({ ...TRENDS.direction, direction: 'none', p_value: 0.4 }, 'week', 'USD')).toBe('No direction that can be told from noise in the last 26 periods (p = 0.400).')
  })

  it('name periods and figures with their units', () => {
    expect(['day', 'week', 'month'].map((frequency) => formatPeriod('2026-03-02', frequency))).toEqual(['Mar 2, 2026', 'Week of Mar 2, 2026', 'Mar 2026'])
    expect([formatFigure(1234.5, 'USD'), formatFigure(1234.5, 'EUR'), formatFigure(0.123456, ''), formatFigure(null, 'USD'), formatShort(1_250_000, 'USD')]).toEqual(['$1,234.50', '€1,234.50', '0.1235', '–', '$1.25M'])
    expect([formatChange(2, '%'), formatChange(-2, '%'), formatChange(undefined, '%')]).toEqual(['+2.0%', '-2.0%', '–'])
  })
})

describe('the history before a forecast', () => {
  it('ends where the forecast begins', () => {
    const rows = [{ period_on: '2026-03-02', units: 4 }, { period_on: '2026-03-03', units: null }, { period_on: '2026-03-04', units: 9 }]
    expect(actualsOf(rows, 'units', '2026-03-04')).toEqual([{ ds: '2026-03-02', value: 4 }])
    expect(historyFrom('2026-03-04', 'day')).toBe('2025-11-04')
  })
})
