import { render, screen } from '@testing-library/react'
import { expect, it, vi } from 'vitest'
import { Fallback } from '@/components/fallback'

function Broken(): never {
  throw new Error('Failed to fetch dynamically imported module')
}

it('shows something else in the place of a part that fails, and the rest as it is', () => {
  vi.spyOn(console, 'error').mockImplementation(() => undefined)
  render(
    <>
      <p>The numbers</p>
      <Fallback instead={<p>No chart</p>}>
        <Broken />
      </Fallback>
    </>,
  )
  expect(screen.getByText('The numbers')).toBeVisible()
  expect(screen.getByText('No chart')).toBeVisible()
})
