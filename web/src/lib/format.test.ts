import { describe, expect, it } from 'vitest'
import { formatCell, formatCompactMoney, formatDay } from '@/lib/format'

describe('a cell', () => {
  it.each([
    [1234567, { type: 'BIGINT', unit: 'customers' }, '1,234,567'],
    [2104331.27, { type: 'DECIMAL(18,2)', unit: 'USD' }, '$2,104,331.27'],
    [-3.5, { type: 'DOUBLE', unit: 'USD' }, '-$3.50'],
    [45.84, { type: 'DOUBLE', unit: '%' }, '45.8%'],
    [2.13, { type: 'DOUBLE', unit: 'days' }, '2.1 days'],
    [118.44, { type: 'DOUBLE', unit: 'orders' }, '118.4'],
    [0, { type: 'DOUBLE', unit: '%' }, '0.0%'],
    [-0.02, { type: 'DOUBLE', unit: '%' }, '0.0%'],
    ['Champions', { type: 'VARCHAR' }, 'Champions'],
    [null, { type: 'DOUBLE', unit: 'USD' }, '–'],
    [undefined, { type: 'VARCHAR' }, '–'],
  ])('%s of %o reads %s', (value, column, words) => {
    expect(formatCell(value, column)).toBe(words)
  })
})

it('large money is cut short', () => expect(formatCompactMoney(4_592_760.12)).toBe('$4.59M'))

it('a day stays that day wherever the reader is', () => expect(formatDay('2017-12-30')).toBe('Dec 30, 2017'))
