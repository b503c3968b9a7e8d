const FRAGMENT = /^#token=(.+)$/

/** What this needs of the browser. */
export interface LinkHost {
  location: Pick<Location, 'hash' | 'pathname' | 'search'>
  history: Pick<History, 'state' | 'replaceState'>
  addEventListener: (type: 'hashchange', listener: () => void) => void
}

/**
 * The token of a link from a mail. It stands behind the #, which browsers send to no server, and is taken out of the
 * address at once: from then on it is in memory alone, not in the history, a bookmark or a picture of the screen.
 */
export class MailLink {
  private token: string | undefined
  private readonly listeners = new Set<() => void>()

  constructor(private readonly host: LinkHost) {
    this.take()
    // Another link opened in this tab changes nothing but the fragment, and loads no page.
    host.addEventListener('hashchange', () => this.take())
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener)
    return () => this.listeners.delete(listener)
  }

  readonly snapshot = (): string | undefined => this.token

  /** Forgets the token once it was used. */
  forget(): void {
    this.become(undefined)
  }

  private take(): void {
    const { location, history } = this.host
    const token = FRAGMENT.exec(location.hash)?.[1]
    if (token === undefined) return
    history.replaceState(history.state, '', location.pathname + location.search)
    this.become(token)
  }

  private become(token: string | undefined): void {
    this.token = token
    for (const listener of this.listeners) listener()
  }
}
