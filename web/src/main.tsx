import '@fontsource-variable/inter/wght.css'
import '@/app/page.css'
import { createRoot } from 'react-dom/client'
import { App } from '@/app/app'
import { createApi } from '@/lib/api'
import { MailLink } from '@/lib/mail-link'
import { Session } from '@/lib/session'

// First of all: the address still holds the token.
const mailLink = new MailLink(window)
const session = new Session({
  fetch: (request) => window.fetch(request),
  storage: window.localStorage,
  locks: navigator.locks,
  channel: new BroadcastChannel('shop-insight.session'),
})
const nonce = document.querySelector<HTMLMetaElement>('meta[name=csp-nonce]')?.content
const root = document.getElementById('root')
if (!root) throw new Error('index.html has no #root')
createRoot(root).render(<App session={session} api={createApi(session)} mailLink={mailLink} nonce={nonce} />)
void session.resume()
