import { screen, waitFor, within } from '@testing-library/react'
import userEvent from '@testing-library/user-event'
import { http, HttpResponse } from 'msw'
import { beforeEach, describe, expect, it } from 'vitest'
import { SystemsPage } from '@/features/systems/components/systems-page'
import { renderPage } from '@/testing/render'
import { ADA, answers, refuses, server } from '@/testing/server'

const SYSTEMS = '*/api/v1/systems'
const system = (name: string, title: string, status: string, registered: boolean) => ({
  name,
  title,
  prefix: name,
  zone: name,
  description: `About ${title}`,
  status,
  registered,
})
const DEMAND = system('demand', 'Demand Insights Engine', 'up', false)
const WEATHER = system('weather', 'Weather', 'down', true)

let sent: { method: string; path: string; body?: unknown }[]

beforeEach(() => {
  ADA.permissions = ['platform:manage']
  sent = []
  server.use(
    http.get(SYSTEMS, () => HttpResponse.json({ items: [DEMAND, WEATHER], total_size: 2 })),
    http.post(SYSTEMS, async ({ request }) => {
      sent.push({ method: 'POST', path: '', body: await request.json() })
      return HttpResponse.json({ ...WEATHER, methods: [] }, { status: 201 })
    }),
    http.delete(`${SYSTEMS}/:name`, ({ params }) => {
      sent.push({ method: 'DELETE', path: String(params.name) })
      return new HttpResponse(null, { status: 204 })
    }),
  )
  return () => {
    ADA.permissions = ['demand:read']
  }
})

const open = () => renderPage(<SystemsPage />, { at: '/admin/systems', loggedIn: true })
const menuOf = async (title: string) => userEvent.click(await screen.findByRole('button', { name: `What can be done with ${title}` }))
const fill = async (field: HTMLElement, text: string) => {
  await userEvent.clear(field)
  await userEvent.paste(text)
}
const items = () => screen.getAllByRole('menuitem').map((item) => item.textContent)

describe('the systems page', () => {
  it('shows how each stands, and removes only what was registered', async () => {
    open()
    const row = within((await screen.findByRole('rowheader', { name: /Weather/ })).closest('tr') as HTMLElement)
    expect(row.getByText('Not answering')).toBeInTheDocument()
    await menuOf(DEMAND.title)
    expect(items()).toEqual(['Details'])
    await userEvent.keyboard('{Escape}')
    await menuOf(WEATHER.title)
    await userEvent.click(screen.getByRole('menuitem', { name: 'Remove' }))
    expect(sent).toEqual([])
    await userEvent.click(screen.getByRole('button', { name: 'Remove' }))
    expect(await screen.findByText('Weather was removed.')).toBeInTheDocument()
    expect(sent).toEqual([{ method: 'DELETE', path: 'weather' }])
  })

  it('registers a system under a name made of its title', async () => {
    open()
    await userEvent.click(screen.getByRole('button', { name: 'Register a system' }))
    const dialog = within(screen.getByRole('dialog'))
    await fill(dialog.getByLabelText(/Title/), 'Local Wéather')
    expect(dialog.getByLabelText(/Prefix/)).toHaveValue('local-weather')
    await fill(dialog.getByLabelText(/Prefix/), 'weather')
    await fill(dialog.getByLabelText(/^Name/), 'weather')
    await fill(dialog.getByLabelText(/gRPC address/), '127.0.0.1:5050')
    await userEvent.click(dialog.getByRole('button', { name: 'Register' }))
    expect(await screen.findByText('Local Wéather is served now.')).toBeInTheDocument()
    const body = { title: 'Local Wéather', name: 'weather', prefix: 'weather', address: '127.0.0.1:5050', description: '', tls: false }
    expect(sent).toEqual([{ method: 'POST', path: '', body }])
  })

  it('says why a system is refused, and keeps what was typed', async () => {
    server.use(http.get(SYSTEMS, () => HttpResponse.json({ items: [], total_size: 0 })), refuses(SYSTEMS, 503, 'SYSTEM_UNREACHABLE', 'nothing answers at 127.0.0.1:5050'))
    open()
    await userEvent.click(screen.getByRole('button', { name: 'Register a system' }))
    const dialog = within(screen.getByRole('dialog'))
    await fill(dialog.getByLabelText(/Title/), 'Weather')
    await fill(dialog.getByLabelText(/gRPC address/), '127.0.0.1:5050')
    await userEvent.click(dialog.getByRole('button', { name: 'Register' }))
    expect(await dialog.findByRole('alert')).toHaveTextContent('Nothing answers at 127.0.0.1:5050')
    expect(dialog.getByLabelText(/gRPC address/)).toHaveValue('127.0.0.1:5050')
  })

  it('tells what a system publishes', async () => {
    const method = { verb: 'GET', path: '/api/v1/weather/today', summary: 'Weather of a city', permission: 'weather:read' }
    server.use(answers(`${SYSTEMS}/weather`, { ...WEATHER, methods: [method], address: '127.0.0.1:5050', tls: false }))
    open()
    await menuOf(WEATHER.title)
    await userEvent.click(screen.getByRole('menuitem', { name: 'Details' }))
    expect(await screen.findByText('GET /api/v1/weather/today')).toBeInTheDocument()
    expect(screen.getByText('Weather of a city, needs weather:read')).toBeInTheDocument()
    expect(screen.getByText('127.0.0.1:5050')).toBeInTheDocument()
  })

  it('offers nothing to those who may not', async () => {
    ADA.permissions = []
    open()
    await menuOf(WEATHER.title)
    expect(items()).toEqual(['Details'])
    await waitFor(() => expect(screen.queryByRole('button', { name: 'Register a system' })).not.toBeInTheDocument())
  })
})
