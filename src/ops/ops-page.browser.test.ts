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

/** An endpoint that wants a token where `token` is given; keeps what it was asked. @param change of the overview */
function serve(token?: string, change: Partial<OpsOverview> = {}) {
  const asked: URL[] = []
  vi.spyOn(globalThis, 'fetch').mockImplementation(async (address, options) => {
    asked.push(new URL(String(address)))
    const given = new Headers(options?.headers).get('Authorization')
    if (token !== undefined && given !== `Bearer ${token}`) return new Response(null, { status: 401 })
    return Response.json({ ...overview, ...change })
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

/** Texts by model, arm and browser, as an endpoint tells them. */
const written: NonNullable<OpsOverview['texts']> = [
  ...([
    {
      by: 'model',
      key: 'tales',
      answered: 1_200,
      firstTokenP50Ms: 95,
      firstTokenP95Ms: 1_234,
      tokensPerSecond: 31.26,
      moves: 17,
    },
    {
      by: 'model',
      key: 'smollm2',
      answered: 3,
      firstTokenP50Ms: null,
      firstTokenP95Ms: null,
      tokensPerSecond: null,
      moves: 0,
    },
    {
      by: 'arm',
      key: 'cloud',
      answered: 900,
      firstTokenP50Ms: 120,
      firstTokenP95Ms: 1_500,
      tokensPerSecond: 40,
      moves: 12,
    },
    {
      by: 'arm',
      key: 'edge',
      answered: 303,
      firstTokenP50Ms: 60,
      firstTokenP95Ms: 700,
      tokensPerSecond: 9.5,
      moves: 5,
    },
    {
      by: 'browser',
      key: 'Firefox',
      answered: 1_203,
      firstTokenP50Ms: 94,
      firstTokenP95Ms: 1_200,
      tokensPerSecond: 31,
      moves: 17,
    },
  ] as const),
]

test('tells of texts their first token, tokens a second and moves, by model, arm and browser', async () => {
  serve(undefined, { texts: written })
  await expect.element(page.getByTestId('texts')).toBeInTheDocument()
  // In the order that they came in: the most written ones first.
  expect(cellsOf('texts')).toEqual([
    ['tales', '1,200', '95 ms', '1.23 s', '31', '17'],
    ['smollm2', '3', '–', '–', '–', '0'],
    ['cloud', '900', '120 ms', '1.50 s', '40', '12'],
    ['edge', '303', '60 ms', '700 ms', '9.5', '5'],
    ['Firefox', '1,203', '94 ms', '1.20 s', '31', '17'],
  ])
  const heads = [...page.getByTestId('texts').element().querySelectorAll('thead')].map((head) =>
    [...head.querySelectorAll('th')].map((cell) => cell.textContent.trim()),
  )
  expect(heads.map(([first]) => first)).toEqual(['Model', 'Arm', 'Browser'])
  expect(heads[0]?.slice(1)).toEqual(['Answered', 'First token p50', 'First token p95', 'Tokens a second', 'Moves'])
})

test.each([
  ['an endpoint that knows of none', {}],
  ['a period without any', { texts: [] }],
])('says nothing of texts of %s', async (_, change) => {
  serve(undefined, change)
  await expect.element(page.getByTestId('groups')).toBeInTheDocument()
  await expect.element(page.getByTestId('texts')).not.toBeInTheDocument()
})

test('names that devices have reported are text, whatever they are', async () => {
  const name = '<img src=x onerror="document.title=`taken`"><script>document.title=`taken`</script>'
  const title = document.title
  const texts = written.map((group) => ({ ...group, key: name }))
  serve(undefined, { texts })
  await expect.element(page.getByTestId('texts')).toBeInTheDocument()
  const table = page.getByTestId('texts').element()
  expect(cellsOf('texts').map(([first]) => first)).toEqual(written.map(() => name))
  expect(table.querySelectorAll('img, script')).toHaveLength(0)
  expect(document.title).toBe(title)
})

test('figures that are none are no overview', async () => {
  const [first] = written
  serve(undefined, { texts: [{ ...first, moves: -1 }] as NonNullable<OpsOverview['texts']> })
  await expect.element(page.getByTestId('problem')).toBeInTheDocument()
  await expect.element(page.getByTestId('texts')).not.toBeInTheDocument()
})
