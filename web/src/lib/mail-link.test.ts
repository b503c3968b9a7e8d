import { describe, expect, it, vi } from 'vitest'
import { type LinkHost, MailLink } from '@/lib/mail-link'

/** A tab at an address; `open` is what a link to another fragment of the same page does. */
function tab(address: string) {
  const found = new URL(address, 'http://localhost')
  let heard = () => {}
  const host: LinkHost = {
    location: { hash: found.hash, pathname: found.pathname, search: found.search },
    history: {
      state: { idx: 3 },
      replaceState: vi.fn((_state, _unused, to?: string | URL | null) => {
        host.location = { ...host.location, hash: new URL(String(to), 'http://localhost').hash }
      }),
    },
    addEventListener: (_, listener) => {
      heard = listener
    },
  }
  const open = (hash: string) => {
    host.location = { ...host.location, hash }
    heard()
  }
  return { host, open }
}

describe('the token of a link from a mail', () => {
  it('leaves the address before anything else, and the history keeps its state', () => {
    const { host } = tab('/verify-email?lang=en#token=abc-_1')
    const link = new MailLink(host)
    expect(link.snapshot()).toBe('abc-_1')
    expect(host.history.replaceState).toHaveBeenCalledExactlyOnceWith({ idx: 3 }, '', '/verify-email?lang=en')
    expect(host.location.hash).toBe('')
  })

  it.each(['', '#content', '#token='])('leaves the address alone at %j', (hash) => {
    const { host } = tab(`/demand/segments${hash}`)
    expect(new MailLink(host).snapshot()).toBeUndefined()
    expect(host.history.replaceState).not.toHaveBeenCalled()
  })

  it('is that of the newest link opened in the tab, until it was used', () => {
    const { host, open } = tab('/reset-password#token=first')
    const link = new MailLink(host)
    const told = vi.fn()
    link.subscribe(told)
    open('#token=second')
    expect([link.snapshot(), host.location.hash, told.mock.calls.length]).toEqual(['second', '', 1])
    link.forget()
    expect([link.snapshot(), told.mock.calls.length]).toEqual([undefined, 2])
  })
})
