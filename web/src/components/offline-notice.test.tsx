import { act, render, screen } from '@testing-library/react'
import { onlineManager } from '@tanstack/react-query'
import { afterEach, expect, it } from 'vitest'
import { OfflineNotice } from '@/components/offline-notice'

afterEach(() => onlineManager.setOnline(true))

it('says that there is no connection, as long as there is none', () => {
  render(<OfflineNotice />)
  expect(screen.queryByRole('status')).toBeNull()
  act(() => onlineManager.setOnline(false))
  expect(screen.getByRole('status')).toHaveTextContent('You are offline.')
  act(() => onlineManager.setOnline(true))
  expect(screen.queryByRole('status')).toBeNull()
})
