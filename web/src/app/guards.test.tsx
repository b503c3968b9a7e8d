import { act, screen } from '@testing-library/react'
import userEvent from '@testing-library/user-event'
import { Route, Routes } from 'react-router'
import { describe, expect, it } from 'vitest'
import { Member } from '@/app/guards'
import { renderPage } from '@/testing/render'
import { ADA } from '@/testing/server'

const tokens = (id: string) => ({ access_token: 'other', expires_in: 900, user: { ...ADA, id, created_at: '' } })

describe('a page in use while somebody logs in in another tab', () => {
  const open = async () => {
    const { session } = renderPage(
      <Routes>
        <Route element={<Member />}>
          <Route path="*" element={<input aria-label="Note" />} />
        </Route>
      </Routes>,
      { loggedIn: true },
    )
    await userEvent.type(screen.getByLabelText('Note'), 'half a')
    return session
  }

  it('keeps what is half typed where it is the same person', async () => {
    const session = await open()
    act(() => session.begin(tokens(ADA.id)))
    expect(screen.getByLabelText('Note')).toHaveValue('half a')
  })

  it('shows somebody else nothing of it', async () => {
    const session = await open()
    act(() => session.begin(tokens('somebody-else')))
    expect(screen.getByLabelText('Note')).toHaveValue('')
  })
})
