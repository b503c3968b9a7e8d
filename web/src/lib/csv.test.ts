import { expect, it } from 'vitest'
import { csvOf } from '@/lib/csv'

it('quotes what would break a row', () => {
  expect(csvOf(['a', 'b'], [['x,y', 'say "hi"\n'], [1, 'plain']])).toBe('a,b\r\n"x,y","say ""hi""\n"\r\n1,plain\r\n')
})

it('leaves nothing that a spreadsheet would run as a formula', () => {
  const rows = ['=1+1', '+1', '-1', '@sum', '\tx'].map((text) => [text])
  expect(csvOf(['a'], rows)).toBe("a\r\n'=1+1\r\n'+1\r\n'-1\r\n'@sum\r\n'\tx\r\n")
  expect(csvOf(['a'], [[-1]])).toBe('a\r\n-1\r\n')
})
