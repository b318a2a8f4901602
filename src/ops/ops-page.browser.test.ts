import { afterEach, expect, test, vi } from 'vitest'
import { page, userEvent } from 'vitest/browser'
import type { OpsOverview } from '../contracts/ops.ts'
import './ops-page.ts'

const hours = [0, 3_600_000]

const overview: OpsOverview = {
  fromMs: 0,
  toMs: 7_200_000,
  stepMs: 3_600_000,
  models: ['digits', 'faces'],
  totals: { answered: 30, edge: 24, cloud: 6, failed: 10 },
  before: { answered: 0, edge: 0, cloud: 0, failed: 0 },
  series: {
    atMs: hours,
    edge: [12, 12],
    cloud: [3, 3],
    failed: [10, 0],
    edgeP50Ms: [7, null],
    edgeP95Ms: [20, null],
    cloudP50Ms: [60, 61],
    cloudP95Ms: [90, 91],
  },
  groups: [
    { by: 'arm', key: 'edge', answered: 24, edge: 24, failed: 8, p50Ms: 7, p95Ms: 20.4, p99Ms: 31 },
    { by: 'model', key: 'faces', answered: 30, edge: 24, failed: 10, p50Ms: 7, p95Ms: 20, p99Ms: 31 },
  ],
  failures: [
    { code: 'edge-crashed', arm: 'edge', count: 9, before: 0, series: [9, 0] },
    { code: 'cloud-unreachable', arm: 'cloud', count: 3, before: 2, series: [1, 2] },
  ],
  revisions: [
    {
      model: 'digits',
      revision: '3',
      arm: 'edge',
      answered: 24,
      failed: 8,
      p95Ms: 20,
      beforeP95Ms: 9,
      slow: true,
      failing: true,
    },
  ],
  fleet: { devices: 4, newDevices: 1, dropped: { expired: 2, full: 0, lost: 0, refused: 0 } },
  workers: { count: 2, busy: 1, waiting: 0 },
  load: { peakPerSecond: 3, serviceMeanMs: 18, serviceSquareMs: 420 },
}

/** An endpoint that wants a token where `token` is given; keeps what it was asked. */
function serve(token?: string) {
  const asked: URL[] = []
  vi.spyOn(globalThis, 'fetch').mockImplementation(async (address, options) => {
    asked.push(new URL(String(address)))
    const given = new Headers(options?.headers).get('Authorization')
    if (token !== undefined && given !== `Bearer ${token}`) return new Response(null, { status: 401 })
    return Response.json(overview)
  })
  document.body.append(document.createElement('ops-page'))
  return asked
}

const cellsOf = (testId: string): string[][] =>
  [...page.getByTestId(testId).element().querySelectorAll('tbody tr')].map((row) =>
    [...row.querySelectorAll('td')].map((cell) => cell.textContent.replaceAll(/\s+/g, ' ').trim()),
  )

afterEach(() => {
  vi.restoreAllMocks()
  document.body.replaceChildren()
})

test('shows the figures, the failures and the revisions of an overview', async () => {
  serve()
  await expect.element(page.getByTestId('tile-requests')).toHaveTextContent('40')
  await expect.element(page.getByTestId('tile-edge-share')).toHaveTextContent('80%')
  await expect.element(page.getByTestId('tile-cloud-p95')).toHaveTextContent('–')
  expect(cellsOf('failures')).toEqual([
    ['edge-crashed', '9', 'new', '', '0', 'edge'],
    ['cloud-unreachable', '3', '+50%', '', '2', 'cloud'],
  ])
  expect(cellsOf('revisions')).toEqual([['digits@3', 'slowfailing', 'edge', '24', '25%', '20 ms', '9.0 ms']])
  expect(page.getByTestId('workers').element().textContent.replaceAll(/\s+/g, ' ').trim()).toBe('2 (1 busy, 0 waiting)')
})

test('groups by what is pressed', async () => {
  serve()
  await expect.element(page.getByTestId('groups')).toBeInTheDocument()
  expect(cellsOf('groups')).toEqual([['edge', '24', '100%', '25%', '7.0 ms', '20 ms', '31 ms']])
  await userEvent.click(page.getByTestId('by-model'))
  expect(cellsOf('groups').map(([first]) => first)).toEqual(['faces'])
})

test('asks for the chosen period and model', async () => {
  const asked = serve()
  await expect.element(page.getByTestId('groups')).toBeInTheDocument()
  await userEvent.selectOptions(page.getByTestId('period'), '168')
  await userEvent.selectOptions(page.getByTestId('model'), 'faces')
  expect(asked.map(({ search }) => search)).toEqual(['?hours=24', '?hours=168', '?hours=168&model=faces'])
})

test('asks for a token where one is wanted, and shows nothing before', async () => {
  serve('secret')
  await userEvent.fill(page.getByRole('textbox'), 'wrong')
  await userEvent.click(page.getByRole('button', { name: 'Open' }))
  await expect.element(page.getByTestId('problem')).toHaveTextContent('not valid')
  await expect.element(page.getByTestId('tile-requests')).not.toBeInTheDocument()
  await userEvent.fill(page.getByRole('textbox'), 'secret')
  await userEvent.click(page.getByRole('button', { name: 'Open' }))
  await expect.element(page.getByTestId('tile-requests')).toHaveTextContent('40')
})
