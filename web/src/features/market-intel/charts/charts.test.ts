import { describe, expect, it } from 'vitest'
import { barsOption } from '@/features/market-intel/charts/bars-option'
import { concentrationOption } from '@/features/market-intel/charts/concentration-option'
import { type Ahead, forecastOption } from '@/features/market-intel/charts/forecast-option'
import { partsOption } from '@/features/market-intel/charts/parts-option'
import { OTHERS, stackOf, stackOption } from '@/features/market-intel/charts/stack-option'
import { chartColors } from '@/features/market-intel/charts/style'
import { trendOption } from '@/features/market-intel/charts/trend-option'
import { floorOf, steps, waterfallOption } from '@/features/market-intel/charts/waterfall-option'
import { partRange, partsOf } from '@/features/market-intel/parts'

const COLORS = chartColors('light')

interface Drawn {
  xAxis: { data: string[]; max?: number; axisLabel: { formatter: (value: string) => string } }
  yAxis: { min?: number; data: string[] }
  series: { name?: string; data: unknown[]; stack?: string }[]
  tooltip: { formatter: (points: { dataIndex: number }[]) => HTMLElement[] }
}
const drawn = (option: object) => option as unknown as Drawn
const told = (option: object, dataIndex: number) => drawn(option).tooltip.formatter([{ dataIndex }]).map(({ textContent }) => textContent)

const ahead = (ds: string, median: number): Ahead => ({ ds, mean: median, median, lower_80: median - 1, upper_80: median + 3, lower_95: median - 2, upper_95: median + 6 })

describe('the forecast chart', () => {
  const option = forecastOption({ history: [{ ds: '2026-03-01', value: 10 }, { ds: '2026-03-02', value: 11 }], ahead: [ahead('2026-03-03', 12), ahead('2026-03-04', 13)], frequency: 'day', unit: 'USD' }, COLORS)

  it('draws a band as its lower end and its height, after what was', () => {
    const { series, xAxis } = drawn(option)
    expect(xAxis.data).toEqual(['2026-03-01', '2026-03-02', '2026-03-03', '2026-03-04'])
    expect(xAxis.axisLabel.formatter('2026-03-01')).toBe('Mar 1\n2026')
    expect(series.map(({ name, data }) => [name, data])).toEqual([
      ['Lower end, 95 %', [null, null, 10, 11]],
      ['95 % band', [null, null, 8, 8]],
      ['Lower end, 80 %', [null, null, 11, 12]],
      ['80 % band', [null, null, 4, 4]],
      ['What was', [10, 11]],
      ['Forecast', [null, 11, 12, 13]],
    ])
    expect(series.slice(0, 4).map(({ stack }) => stack)).toEqual(['95', '95', '80', '80'])
  })

  it('tells of a period what was, or what is expected within which bands', () => {
    expect(told(option, 1)).toEqual(['Mar 2, 2026', '$11.00'])
    expect(told(option, 3)).toEqual(['Mar 4, 2026', 'Expected $13.00', '80 %: $12.00 to $16.00', '95 %: $11.00 to $19.00'])
    expect(told(option, 9)).toEqual([])
  })
})

describe('the parts of a forecast', () => {
  const groups = partsOf([{ name: 'season', values: [-2, 3] }, { name: 'trend', values: [10, 11] }, { name: 'price_cut', values: [0, 1] }, { name: 'holidays', values: [0.5, 0] }], 3)
  const option = partsOption({ periods: ['2026-03-03', '2026-03-04'], groups }, 'day', 'USD', COLORS)

  it('are in order of their weight, the lightest as one, with a line that is their sum', () => {
    expect(drawn(option).series.map(({ name, data }) => [name, data])).toEqual([
      ['Trend', [10, 11]],
      ['Season', [-2, 3]],
      [OTHERS, [0.5, 1]],
      ['Together', [8.5, 15]],
    ])
    expect(told(option, 0)).toEqual(['Mar 3, 2026', 'Trend: +$10.00', 'Season: -$2.00', `${OTHERS}: +$0.50`, 'Together: $8.50'])
  })

  it('are told by how far they move it', () => {
    expect(groups.map((part) => partRange(part, 'USD'))).toEqual(['Trend: from $10.00 to $11.00.', 'Season: from -$2.00 to $3.00.', `${OTHERS}: from $0.50 to $1.00.`])
    expect(partRange({ title: 'Trend', values: [4, 4] }, '')).toBe('Trend: 4 in each period.')
  })
})

describe('the trend chart', () => {
  it('marks the periods that are out of line, and tells so', () => {
    const option = trendOption([{ ds: '2026-02-01', value: 5, average: null, anomaly: false }, { ds: '2026-03-01', value: 50, average: 9, anomaly: true }], 'month', '', COLORS)
    expect(drawn(option).series.map(({ data }) => data)).toEqual([[5, 50], [null, 9], [null, 50]])
    expect(told(option, 1)).toEqual(['Mar 2026', '50', 'Moving average 9', 'Out of line with its trend and season'])
  })
})

describe('the waterfall', () => {
  it('adds up from the total before to the total after', () => {
    const all = steps({ title: 'Before', value: 100 }, [{ title: 'Price', contribution: 30 }, { title: 'Volume', contribution: -150 }], { title: 'After', value: -20 })
    expect(all.map(({ from, to }) => [from, to])).toEqual([[0, 100], [100, 130], [130, -20], [0, -20]])
    expect(floorOf(all)).toBe(0)
    const values = drawn(waterfallOption(all, '', COLORS)).series[0]?.data as { value: number[] }[]
    expect(values.map(({ value }) => value)).toEqual([[0, 100, 0, 100], [100, 130, 100, 130], [130, -20, -20, 130], [0, -20, -20, 0]])
    expect(told(waterfallOption(all, 'USD', COLORS), 1)).toEqual(['Price', '+$30.00'])
  })

  it('begins its axis above nought where the changes would be too small to see', () => {
    const all = steps({ title: 'Before', value: 1_000_000 }, [{ title: 'Price', contribution: 10_000 }], { title: 'After', value: 1_010_000 })
    const floor = floorOf(all)
    expect(floor).toBe(990_000)
    expect(drawn(waterfallOption(all, '', COLORS)).yAxis.min).toBe(floor)
  })

  it('lies where there is no room to stand, first on top', () => {
    const all = steps({ title: 'Before', value: 10 }, [], { title: 'After', value: 10 })
    const { xAxis, yAxis } = drawn(waterfallOption(all, '', COLORS, true))
    expect([xAxis, yAxis]).toMatchObject([{ type: 'value' }, { type: 'category', inverse: true, data: ['Before', 'After'] }])
  })

  it('begins at nought where nothing is left', () => {
    expect(floorOf(steps({ title: 'Before', value: 0 }, [], { title: 'After', value: 0 }))).toBe(0)
  })
})

describe('the stacked bars', () => {
  const cell = (period: string, group: string, value: number) => ({ period, group, value })

  it('names the largest groups and adds up the others', () => {
    const stack = stackOf([cell('2026-02-01', 'a', 5), cell('2026-01-01', 'b', 9), cell('2026-01-01', 'a', 6), cell('2026-01-01', 'c', 1), cell('2026-02-01', 'd', 2)], 3)
    expect(stack).toEqual({
      periods: ['2026-01-01', '2026-02-01'],
      groups: [
        { title: 'a', values: [6, 5] },
        { title: 'b', values: [9, 0] },
        { title: OTHERS, values: [1, 2] },
      ],
    })
    expect(told(stackOption(stack, 'month', '', COLORS), 0)).toEqual(['Jan 2026', 'a: 6', 'b: 9', `${OTHERS}: 1`])
  })
})

describe('bars and curves', () => {
  it('colours a bar below nought apart', () => {
    const data = drawn(barsOption([{ title: 'Rival', value: 4 }, { title: 'Cheapo', value: -3, told: ['on 2 products'] }], '%', COLORS, false)).series[0]?.data as { itemStyle: { color: string } }[]
    expect(data.map(({ itemStyle }) => itemStyle.color)).toEqual([COLORS.main, COLORS.other])
  })

  it('draws a concentration curve beside equal shares', () => {
    const option = concentrationOption([{ items_pct: 0, revenue_pct: 0 }, { items_pct: 20, revenue_pct: 80 }], 'products', COLORS)
    expect(drawn(option).series.map(({ data }) => data)).toEqual([[[0, 0], [20, 80]], [[0, 0], [100, 100]]])
    expect(told(option, 1)).toEqual(['The largest 20.0% of products', '80.0% of the revenue'])
  })
})
