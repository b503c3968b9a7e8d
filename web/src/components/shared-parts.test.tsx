import { render, screen } from '@testing-library/react'
import userEvent from '@testing-library/user-event'
import { describe, expect, it, vi } from 'vitest'
import { ConfirmDialog } from '@/components/confirm-dialog'
import { CopyButton } from '@/components/copy-button'
import { ProblemNotice } from '@/components/problem-notice'
import { SecretOnce } from '@/components/secret-once'
import { Problem } from '@/lib/problem'

describe('the copy button', () => {
  it('says that the text is on the clipboard once it is', async () => {
    const user = userEvent.setup()
    render(<CopyButton text="si_secret" label="Copy the key" />)
    await user.click(screen.getByRole('button', { name: 'Copy the key' }))
    expect(await screen.findByRole('button', { name: 'Copied' })).toBeVisible()
    expect(await navigator.clipboard.readText()).toBe('si_secret')
  })

  it('says what to do where there is no clipboard', async () => {
    const user = userEvent.setup()
    vi.spyOn(navigator.clipboard, 'writeText').mockRejectedValue(new DOMException('no', 'NotAllowedError'))
    render(<CopyButton text="si_secret" />)
    await user.click(screen.getByRole('button', { name: 'Copy' }))
    expect(await screen.findByRole('button', { name: 'Select the text and copy it' })).toBeVisible()
  })
})

describe('the confirm dialog', () => {
  const shown = (more: object = {}) => {
    const calls = { onConfirm: vi.fn(), onClose: vi.fn() }
    render(<ConfirmDialog open title="Revoke this key?" detail="It stops working." confirm="Revoke" {...calls} {...more} />)
    return calls
  }

  it('does nothing on Enter, since Cancel has the focus', async () => {
    const calls = shown()
    expect(screen.getByRole('alertdialog', { name: 'Revoke this key?' })).toHaveAccessibleDescription('It stops working.')
    expect(screen.getByRole('button', { name: 'Cancel' })).toHaveFocus()
    await userEvent.keyboard('{Enter}')
    expect(calls.onConfirm).not.toHaveBeenCalled()
    expect(calls.onClose).toHaveBeenCalledOnce()
  })

  it('does it when it is said', async () => {
    const calls = shown()
    await userEvent.click(screen.getByRole('button', { name: 'Revoke' }))
    expect(calls.onConfirm).toHaveBeenCalledOnce()
  })

  it('stays while it is being done, and says why it was refused', async () => {
    const refused = new Problem({ status: 404, title: 'Not found', detail: 'there is no such key', reason: 'API_KEY_NOT_FOUND' })
    const calls = shown({ busy: true, error: refused })
    await userEvent.keyboard('{Escape}')
    expect(calls.onClose).not.toHaveBeenCalled()
    expect(screen.getByRole('alert')).toHaveTextContent('There is no such key.')
  })
})

describe('a secret that is shown once', () => {
  it('goes only when the reader says that it is kept', async () => {
    const onDone = vi.fn()
    render(<SecretOnce title="Your new key" label="key" secret="si_abc" onDone={onDone} />)
    expect(screen.getByRole('textbox', { name: 'key' })).toHaveTextContent('si_abc')
    await userEvent.keyboard('{Escape}')
    expect(onDone).not.toHaveBeenCalled()
    const done = screen.getByRole('button', { name: 'Done' })
    expect(done).toBeDisabled()
    await userEvent.click(screen.getByRole('checkbox', { name: 'I have stored it in a safe place' }))
    await userEvent.click(done)
    expect(onDone).toHaveBeenCalledOnce()
  })
})

describe('the problem notice', () => {
  it('says what is wrong with each field where the server only refers to them', () => {
    const errors = [{ field: 'grain', detail: 'one of: day, week' }]
    render(<ProblemNotice problem={new Problem({ status: 400, title: 'Invalid argument', detail: 'the request has wrong fields: grain; see `errors`', reason: 'INVALID', errors })} />)
    expect(screen.getByRole('alert')).toHaveTextContent('grain: One of: day, week.')
    expect(screen.queryByText(/see/)).not.toBeInTheDocument()
  })
})
