import { describe, expect, it } from 'vitest'
import { parseSeries } from '@/features/market-intel/series-csv'

describe('observations as CSV', () => {
  it('are read whatever the order of the columns, with or without series', () => {
    expect(parseSeries('y,ds\n1.5,2026-01-01\r\n-2e3,2026-01-02T10:00:00Z\n\n')).toEqual({
      points: [{ ds: '2026-01-01', y: 1.5 }, { ds: '2026-01-02T10:00:00Z', y: -2000 }],
      series: 1,
    })
    expect(parseSeries('\uFEFFds,y,series_id\n2026-01-01,1,"a, ""b"""\n2026-01-01,NaN,c')).toEqual({
      points: [{ ds: '2026-01-01', y: 1, series_id: 'a, "b"' }, { ds: '2026-01-01', series_id: 'c' }],
      series: 2,
    })
    expect(parseSeries('DS;Y\n2026-01-01;7').points).toEqual([{ ds: '2026-01-01', y: 7 }])
  })

  it.each([
    ['no columns that are known', 'day,value\n2026-01-01,1', 'The first line must name the columns: ds,y or ds,y,series_id.'],
    ['a day that is none', 'ds,y\n2026-01-01,1\n03/04/2026,1', 'Line 3: “03/04/2026” is no day. Write it as YYYY-MM-DD.'],
    ['a value that is none', 'ds,y\n2026-01-01,1,5', ''],
    ['a number that is none', 'ds,y\n2026-01-01,many', 'Line 2: “many” is no number. Write it as 1234.5, or leave it empty where it is not known.'],
    ['infinity', 'ds,y\n2026-01-01,Infinity', 'Line 2: “Infinity” is no number. Write it as 1234.5, or leave it empty where it is not known.'],
    ['nothing below the first line', 'ds,y\n', 'There are no observations below the first line.'],
  ])('are refused for %s, by line', (_, text, problem) => {
    expect(parseSeries(text).problem ?? '').toBe(problem)
  })
})
