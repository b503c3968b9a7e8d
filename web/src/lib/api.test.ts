import { http, HttpResponse } from 'msw'
import { expect, it, vi } from 'vitest'
import { download } from '@/lib/api'
import { save } from '@/lib/save-file'
import { createSession } from '@/testing/render'
import { server } from '@/testing/server'

vi.mock('@/lib/save-file', () => ({ save: vi.fn() }))

it.each(['csv', 'xlsx', 'arrow'] as const)('saves the whole list that the server makes one %s file of', async (form) => {
  const asked: URLSearchParams[] = []
  server.use(
    http.get('*/api/v1/rows', ({ request }) => {
      asked.push(new URL(request.url).searchParams)
      return new HttpResponse('rows')
    }),
  )
  await download(createSession(), '/api/v1/rows?region=CA', form, 'rows-of-ca')
  const [blob, name] = vi.mocked(save).mock.lastCall ?? []
  expect([name, await blob?.text()]).toEqual([`rows-of-ca.${form}`, 'rows'])
  expect(asked.map(String)).toEqual([`region=CA&export=${form}`])
})

it('says why a list is not exported', async () => {
  const refusal = { type: 'about:blank', title: 'Bad Request', status: 400, detail: 'the list has 2,000,000 rows', reason: 'EXPORT_TOO_LARGE' }
  server.use(http.get('*/api/v1/rows', () => HttpResponse.json(refusal, { status: 400 })))
  await expect(download(createSession(), '/api/v1/rows', 'csv', 'other')).rejects.toMatchObject({ reason: 'EXPORT_TOO_LARGE' })
})
