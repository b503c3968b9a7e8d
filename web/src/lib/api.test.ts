import { http, HttpResponse } from 'msw'
import { expect, it, vi } from 'vitest'
import { download } from '@/lib/api'
import { save } from '@/lib/save-file'
import { createSession } from '@/testing/render'
import { server } from '@/testing/server'

vi.mock('@/lib/save-file', () => ({ save: vi.fn() }))

const PAGES: Record<string, { text: string; next: string }> = { '': { text: 'a,b\r\n1,2\r\n', next: 'p2' }, p2: { text: 'a,b\r\n3,4\r\n', next: '' } }

function pages() {
  server.use(
    http.get('*/api/v1/rows', ({ request }) => {
      const page = PAGES[new URL(request.url).searchParams.get('page_token') ?? '']
      return new HttpResponse(page?.text, { headers: { 'X-Next-Page-Token': page?.next ?? '', 'Content-Disposition': 'attachment; filename="rows.csv"' } })
    }),
  )
}

const saved = async () => {
  const [blob, name] = vi.mocked(save).mock.lastCall ?? []
  return [name, await blob?.text()]
}

it('saves CSV with the pages that follow, and the names of the columns once', async () => {
  pages()
  await download(createSession(), '/api/v1/rows?page_size=1', 'text/csv', 'other.csv')
  expect(await saved()).toEqual(['rows.csv', 'a,b\r\n1,2\r\n3,4\r\n'])
})

it('saves another form as the one page that it is', async () => {
  pages()
  await download(createSession(), '/api/v1/rows?page_size=1', 'application/vnd.apache.arrow.stream', 'rows.arrow')
  expect(await saved()).toEqual(['rows.csv', 'a,b\r\n1,2\r\n'])
})
