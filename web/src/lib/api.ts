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

/** The forms in which a whole list can be had as one file. */
export type FileForm = 'xlsx' | 'csv' | 'arrow'

/** Saves all rows of an answer, whatever its pages, as a file of that name; answers the name with its ending. */
export async function download(session: Session, path: string, form: FileForm, title: string): Promise<string> {
  const url = new URL(path, window.location.origin)
  url.searchParams.set('export', form)
  const response = await fetchFile(session, url)
  const name = `${title}.${form}`
  save(await response.blob(), name)
  return name
}

async function fetchFile(session: Session, url: URL): Promise<Response> {
  const response = await session.authorizedFetch(new Request(url))
  if (!response.ok) throw await problemOf(response)
  return response
}
