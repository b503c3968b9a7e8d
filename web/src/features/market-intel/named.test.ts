import { renderHook } from '@testing-library/react'
import { describe, expect, it } from 'vitest'
import { namedColumns, titlesIn } from '@/features/market-intel/named'
import { useAnswered } from '@/features/market-intel/use-answered'

describe('names', () => {
  it('stand for values, which stand behind them where two share one', () => {
    const rows = [
      { category: 'fuel.misc', category_name: 'MISC' },
      { category: 'deli.misc', category_name: 'MISC' },
      { category: 'meat.beef', category_name: 'BEEF' },
      { category: 'new', category_name: '' },
    ]
    expect([...titlesIn(rows, 'category').values()]).toEqual(['MISC (fuel.misc)', 'MISC (deli.misc)', 'BEEF', 'new'])
    expect([...titlesIn([{ brand: null }], 'brand').values()]).toEqual(['unknown'])
  })

  it('are found beside the column that they name', () => {
    const columns = ['category_id', 'category_name', 'product', 'product_name', 'model_name', 'name'].map((name) => ({ name, type: 'VARCHAR', unit: '', description: '' }))
    expect(namedColumns(columns)).toEqual([
      ['category_id', 'category_name'],
      ['product', 'product_name'],
    ])
  })
})

describe('the question that is answered', () => {
  it('is the one before while the next is on its way', () => {
    const { result, rerender } = renderHook(({ by, waits }) => useAnswered({ by }, waits), { initialProps: { by: 'channel', waits: false } })
    rerender({ by: 'region', waits: true })
    expect(result.current).toEqual({ by: 'channel' })
    rerender({ by: 'region', waits: false })
    expect(result.current).toEqual({ by: 'region' })
  })
})
