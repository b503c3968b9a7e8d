import { describe, expect, it } from 'vitest'
import { sentence } from '@/features/market-intel/prose'

describe('a sentence of the services', () => {
  it.each([
    ['ets alone; in 3 tests ets had the least error', 'ETS alone; in 3 tests ETS had the least error.'],
    ['a combination of moving_average 40 % and theta 22 %', 'A combination of moving average 40 % and Theta 22 %.'],
    ['moved so that 31230 forecasts were covered, 0.12345 off', 'Moved so that 31,230 forecasts were covered, 0.12345 off.'],
    ['Revenue on 2017-12-25 was far below what is usual', 'Revenue on Dec 25, 2017 was far below what is usual.'],
    ['against it stood customers lost (-13,076.49 USD).', 'Against it stood customers lost (-$13,076.49).'],
    ['Volume (+30,896.70 USD), 12 SKU', 'Volume (+$30,896.70), 12 SKU.'],
    ['the 9999-99-99 is no day?', 'The 9999-99-99 is no day?'],
    ['', ''],
  ])('%j reads %j', (text, read) => {
    expect(sentence(text)).toBe(read)
  })
})
