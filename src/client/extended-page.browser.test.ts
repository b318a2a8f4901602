import { afterAll, expect, test } from 'vitest'
import { reportsPath } from '../contracts/report.ts'
import type { Privacy } from '../contracts/route.ts'
import type { Client } from '../index.ts'
import { openExtendedPage } from '../testing/extended-page.ts'
import { tinyOnnx } from '../testing/tiny-onnx.ts'

type Page = Window & typeof globalThis & typeof import('../index.ts')

const closers: (() => void)[] = []
afterAll(() => {
  for (const close of closers) close()
})

async function openPage(): Promise<Page> {
  const { page, close } = await openExtendedPage(
    `import { createClient } from '${new URL('../index.ts', import.meta.url).href}'
    Object.assign(globalThis, { createClient })`,
  )
  closers.push(close)
  return page as Page
}

const clients: Client[] = []
afterAll(() => Promise.all(clients.map((client) => client.close())))

/** An error of that page can't be shown as it is: it has a toJSON, too. */
async function shown<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    const { stack, cause } = error as Error
    throw new Error([stack, (cause as Error | undefined)?.stack].join('\n'))
  }
}

const spec = (name: string) => ({ name, type: 'float32' as const, shape: [2] })
/** total = x + kept. */
const graph = tinyOnnx({
  inputs: [spec('x'), spec('kept')],
  outputs: [spec('total')],
  nodes: [{ op: 'Add', inputs: ['x', 'kept'], outputs: ['total'] }],
})
const tensor = (...values: number[]) => ({ type: 'float32' as const, dims: [2], data: Float32Array.from(values) })

const add = (client: Client) => client.models.add([new File([graph], 'sum.onnx')], { name: 'own-sum' })
const run = async (client: Client, privacy: Privacy = 'edge-only') => {
  const { outputs, route } = await client.run('own-sum', { x: tensor(1, 2), kept: tensor(10, 20) }, { privacy })
  return { sum: Array.from(outputs.total?.data as Float32Array), route }
}

test('a model is added, run, held in a session, exported and imported again', () =>
  shown(async () => {
    const client = (await openPage()).createClient({ report: 'none' })
    clients.push(client)
    expect((await add(client)).name).toBe('own-sum')
    const { sum, route } = await run(client)
    expect(sum).toEqual([11, 22])

    const session = await client.openSession({
      steps: [{ model: 'own-sum', inputs: { x: 'x' }, outputs: { total: 'sum' } }],
      state: [{ from: 'sum', to: 'kept', shape: [2] }],
      outputs: ['sum'],
    })
    expect(Array.from(session.inputs)).toEqual(['x'])
    const sums = []
    for (let turn = 0; turn < 3; turn += 1) sums.push((await session.run({ x: tensor(1, 2) })).outputs.sum?.data[1])
    expect(sums).toEqual([2, 4, 6])
    await session.close()

    // As JSON it is what it is as an object.
    const [line] = client.routes.toJsonLines().trim().split('\n')
    expect(JSON.parse(line ?? '')).toEqual(structuredClone(route))

    const archive = await client.models.export('own-sum')
    await client.models.remove('own-sum')
    const [back] = await client.models.import(archive)
    expect(back?.name).toBe('own-sum')
    expect((await run(client)).sum).toEqual([11, 22])
  }))

test('two tabs share one engine', () =>
  shown(async () => {
    const both = [await openPage(), await openPage()].map(({ createClient }) => createClient({ report: 'none' }))
    clients.push(...both)
    for (const client of both) await add(client)
    const answers = await Promise.all([...both, ...both].map((client) => run(client)))
    expect(answers.map(({ sum }) => sum)).toEqual(Array(4).fill([11, 22]))
  }))

test('reports say what happened, and are taken', () =>
  shown(async () => {
    const page = await openPage()
    const sent: string[] = []
    const { fetch } = page
    page.fetch = async (address, init = {}) => {
      if (String(address).endsWith('/v2')) return Response.json({ name: 'hither', version: '1', extensions: [] })
      if (!String(address).endsWith(reportsPath)) return fetch.call(page, address, init)
      const isPacked = new Headers(init.headers).get('Content-Encoding') === 'gzip'
      const body = new Blob([init.body as Uint8Array<ArrayBuffer>]).stream()
      const text = await new Response(isPacked ? body.pipeThrough(new DecompressionStream('gzip')) : body).text()
      sent.push(text)
      const { reports } = JSON.parse(text) as { readonly reports: { readonly id: string }[] }
      return Response.json({ accepted: reports.map(({ id }) => id), duplicates: [], rejected: [] })
    }
    const url = `${location.origin}/no-endpoint`
    const client = page.createClient({ endpoint: { url }, report: 'routes' })
    clients.push(client)
    await add(client)
    const { route } = await run(client, 'prefer-edge')
    const written = async () => (await client.outbox.export()) + sent.join()
    await expect.poll(written).toContain(route.id)
    expect(await written()).not.toContain('changed')
    await client.outbox.flush()
    await expect.poll(async () => (await client.outbox.state()).waiting).toBe(0)
    expect(sent.join()).toContain(route.id)
    expect(sent.join()).not.toContain('changed')
  }))
