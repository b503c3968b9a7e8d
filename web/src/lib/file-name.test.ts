import { expect, it } from 'vitest'
import { fileNameOf } from '@/lib/file-name'

it('names a file by what is in it, in letters that every system takes', () => {
  expect(fileNameOf('revenue', 'by', 'payment_method', '', undefined, '2017-01-01')).toBe('revenue-by-payment_method-2017-01-01')
  expect(fileNameOf('forecast', 'Île-de-France / “Süd”')).toBe('forecast-ile-de-france-sud')
})
