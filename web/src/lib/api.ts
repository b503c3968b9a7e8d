import createClient, { type Client } from 'openapi-fetch'
import type { paths } from '@/api/schema'
import { problemFromBody, problemOf } from '@/lib/problem'
import { save } from '@/lib/save-file'
import type { Session } from '@/lib/session'

/** Methods that also answer CSV or Arrow are asked for JSON here. */
type Json = 'application/json'
export type Api = Client<paths, Json>

/** A client typed by the OpenAPI document, bearing the session's token. */
export function createApi(session: Session): Api {
  return createClient<paths, Json>({
    baseUrl: window.location.origin,
    credentials: 'same-origin',
    fetch: session.authorizedFetch,
    querySerializer: { array: { style: 'form', explode: true } },
  })
}

/** The data of an answer; throws the Problem of a refused one. */
export async function answer<Data>(
  call: Promise<{ data?: Data; error?: unknown; response: Response }>,
): Promise<Data> {
  const { data, error, response } = await call
  if (response.ok && data !== undefined) return data
  throw problemFromBody(response.status, error)
}

/** Returns once a call is answered that says nothing; throws the Problem of a refused one. */
export async function done(call: Promise<{ error?: unknown; response: Response }>): Promise<void> {
  const { error, response } = await call
  if (!response.ok) throw problemFromBody(response.status, error)
}

const CSV = 'text/csv'
/** Where an export ends, however much follows. */
const MOST_PAGES = 100

/** Saves an answer as a file under the name that the server gives it; as CSV with the pages that follow it. */
export async function download(session: Session, path: string, accept: string, fallback: string): Promise<string> {
  const first = await fetchFile(session, new URL(path, window.location.origin), accept)
  const name = fileName(first.headers.get('Content-Disposition')) ?? fallback
  save(accept === CSV ? await withPagesAfter(session, path, first) : await first.blob(), name)
  return name
}

/** The rows of a page and of those after it, under one line of names. */
async function withPagesAfter(session: Session, path: string, first: Response): Promise<Blob> {
  const parts = [await first.text()]
  let token = nextPage(first)
  while (token && parts.length < MOST_PAGES) {
    const url = new URL(path, window.location.origin)
    url.searchParams.set('page_token', token)
    const response = await fetchFile(session, url, CSV)
    const text = await response.text()
    parts.push(text.slice(text.indexOf('\n') + 1))
    token = nextPage(response)
  }
  return new Blob(parts, { type: CSV })
}

async function fetchFile(session: Session, url: URL, accept: string): Promise<Response> {
  const response = await session.authorizedFetch(new Request(url, { headers: { Accept: accept } }))
  if (!response.ok) throw await problemOf(response)
  return response
}

/** Where the rows go on; empty on the last page. */
const nextPage = (response: Response): string => response.headers.get('X-Next-Page-Token') ?? ''

/** The file name in a Content-Disposition header. */
export function fileName(disposition: string | null): string | undefined {
  return disposition?.match(/filename="?([^";]+)"?/)?.[1]
}
