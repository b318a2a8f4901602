import { readFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { parseAllDocuments } from 'yaml'
import { parseCli } from '../src/endpoint/cli/parse-cli.ts'
import type { InferEngine } from '../src/endpoint/engine/infer-engine.ts'
import { createMetrics } from '../src/endpoint/observability/metrics.ts'
import { parseManifest } from '../src/models/manifest/parse-manifest.ts'
import { toDatatype } from '../src/protocol/tensors/datatypes.ts'

// There is no cluster here: what can be checked is that the files are YAML without a key twice, say what kind they are,
// fit each other, and call `hither` with options that it has.

const read = (path: string) => readFile(new URL(path, import.meta.url), 'utf8')

interface Resource {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: { readonly name: string }
  readonly spec: Readonly<Record<string, unknown>>
}

async function resourcesOf(path: string): Promise<readonly Resource[]> {
  const documents = parseAllDocuments(await read(path), { uniqueKeys: true })
  for (const { errors, warnings } of documents) expect([...errors, ...warnings]).toEqual([])
  return documents.map((document) => document.toJS() as Resource)
}

/** Every value under this key, wherever it is. */
function valuesOf(value: unknown, key: string): unknown[] {
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([name, inner]) => [...(name === key ? [inner] : []), ...valuesOf(inner, key)])
}

const files = ['kubernetes/gateway.yaml', 'kubernetes/keda.yaml', 'kserve/inference-service.yaml', 'kserve/triton.yaml']

describe.each(files)('%s', (path) => {
  it('holds resources with a kind, a name and a specification', async () => {
    const resources = await resourcesOf(path)
    expect(resources.length).toBeGreaterThan(0)
    for (const { apiVersion, kind, metadata, spec } of resources) {
      expect(apiVersion).toMatch(/^([a-z0-9.]+\/)?v\d+((alpha|beta)\d+)?$/)
      expect(kind).toMatch(/^[A-Z][A-Za-z]+$/)
      expect(metadata.name).toMatch(/^[a-z0-9-]+$/)
      expect(spec).toEqual(expect.any(Object))
    }
    const names = resources.map(({ kind, metadata }) => `${kind} ${metadata.name}`)
    expect(new Set(names).size).toBe(names.length)
  })

  it('calls hither with options that it has', async () => {
    const lists = valuesOf(await resourcesOf(path), 'args') as string[][]
    for (const args of lists) expect(parseCli(args, {})).toMatchObject({ host: '0.0.0.0' })
  })

  it('watches addresses that hither answers, on a port that the container opens', async () => {
    const resources = await resourcesOf(path)
    for (const { path: address } of valuesOf(resources, 'httpGet') as { path: string }[]) {
      expect(['/v2/health/ready', '/v2/health/live']).toContain(address)
    }
    const ports = (valuesOf(resources, 'ports').flat() as { containerPort?: number; name: string }[]).filter(
      ({ containerPort }) => containerPort !== undefined,
    )
    for (const { port } of valuesOf(resources, 'httpGet') as { port: number | string }[]) {
      expect(ports.some(({ name, containerPort }) => port === name || port === containerPort)).toBe(true)
    }
  })
})

it('the gateway is selected by its service, its budget and its autoscalers, and drains before it is ended', async () => {
  const resources = [...(await resourcesOf(files[0] ?? '')), ...(await resourcesOf(files[1] ?? ''))]
  const find = (kind: string) => resources.filter((resource) => resource.kind === kind)
  const [deployment] = find('Deployment')
  const [labels] = valuesOf(deployment?.spec.template, 'labels')
  expect(valuesOf(find('Service'), 'selector')).toEqual([labels])
  expect(valuesOf([...find('PodDisruptionBudget'), deployment], 'matchLabels')).toEqual([labels, labels])
  const targets = valuesOf(resources, 'scaleTargetRef') as { name: string }[]
  expect(targets.map(({ name }) => name)).toEqual(['hither-gateway', 'hither-gateway', 'digits-predictor'])
  const [grace] = valuesOf(deployment, 'terminationGracePeriodSeconds')
  expect(Number(grace)).toBeGreaterThan(5 + 35)
})

it('the Dockerfile starts hither with options that it has, on the port that it opens and watches', async () => {
  const text = await read('Dockerfile')
  const lists = (instruction: string): string[][] =>
    [...text.matchAll(new RegExp(`^${instruction} (\\[.*\\])$`, 'gm'))].map(([, list]) => JSON.parse(list ?? '[]'))
  const [, port] = /^EXPOSE (\d+)$/m.exec(text) ?? []
  const options = parseCli(lists('CMD').at(-1) ?? [], {})
  expect(options).toMatchObject({ host: '0.0.0.0', port: Number(port) })
  expect(text).toContain(`http://127.0.0.1:${port}/v2/health/ready`)
  expect(lists('ENTRYPOINT')).toEqual([['node', 'node_modules/hither-endpoint/bin/hither.js']])
})

it('the Triton repository says what the manifest says', async () => {
  const config = await read('triton/models/digits/config.pbtxt')
  const manifest = parseManifest(
    JSON.parse(await read('../packages/hither-models/models/digits/1/manifest.json')),
    'manifest',
  )
  for (const { name, type, shape } of [...manifest.inputs, ...manifest.outputs]) {
    const dims = `[ ${shape.slice(1).join(', ')} ]`
    expect(config).toContain(`name: "${name}" data_type: TYPE_${toDatatype(type)} dims: ${dims}`)
  }
  expect(config).toMatch(/^name: "digits"$/m)
  expect((await read('triton/models/digits/labels.txt')).trim().split('\n')).toEqual(manifest.labels)
})

describe('the Grafana dashboard', () => {
  /** What a scrape gives once a request was answered and one refused: names of series, and their labels. */
  const series = async () => {
    const models = [{ name: 'digits', version: '1', waiting: 1, runs: 1 }]
    const capacity = async () => ({ workers: 2, busy: 1, waiting: 1, waitMs: 5, models })
    const metrics = createMetrics({ capacity } as Partial<InferEngine> as InferEngine, { process: true })
    const times = { decodeMs: 1, queueMs: 1, loadMs: 0, computeMs: 1, encodeMs: 1, totalMs: 4, batch: 1 }
    const request = { model: 'digits', requestBytes: 1, responseBytes: 1, totalMs: 5 }
    metrics.answered({ ...request, status: 200, times })
    metrics.answered({ ...request, status: 503 })
    const labels = new Map<string, Set<string>>()
    for (const [, name = '', inner = ''] of (await metrics.read()).matchAll(/^(\w+)(?:\{(.*)\})? /gm)) {
      const known = labels.get(name) ?? new Set()
      labels.set(name, known)
      for (const [, label = ''] of inner.matchAll(/(\w+)="/g)) known.add(label)
    }
    return labels
  }
  const dashboard = async (): Promise<unknown> => JSON.parse(await read('grafana/hither.json'))
  const queries = async () => {
    const all = await dashboard()
    const variables = valuesOf(all, 'query').filter((query) => String(query).startsWith('label_values'))
    return [...valuesOf(all, 'expr'), ...variables] as string[]
  }
  const namesIn = (query: string) => query.match(/\b(hither|process|nodejs)_\w+/g) ?? []

  it('asks for series that the endpoint has, by labels that they have', async () => {
    const known = await series()
    const asked = await queries()
    expect(asked.length).toBeGreaterThan(10)
    for (const query of asked) {
      const names = namesIn(query)
      expect(names.length).toBeGreaterThan(0)
      const grouped = [...query.matchAll(/by \(([^)]*)\)/g)].flatMap(([, list = '']) => list.split(/,\s*/))
      const matched = [...query.matchAll(/(\w+)=~?"/g)].map(([, label = '']) => label)
      for (const name of names) {
        expect([...known.keys()]).toContain(name)
        expect([...(known.get(name) ?? [])]).toEqual(expect.arrayContaining([...grouped, ...matched]))
      }
    }
  })

  it('shows all that the endpoint counts of its own', async () => {
    const shown = new Set((await queries()).flatMap(namesIn).map((name) => name.replace(/_(bucket|sum|count)$/, '')))
    const counted = [...(await series()).keys()].filter((name) => name.startsWith('hither_'))
    expect(new Set(counted.map((name) => name.replace(/_(bucket|sum|count)$/, '')))).toEqual(
      new Set([...shown].filter((name) => name.startsWith('hither_'))),
    )
  })

  it('puts no panel over another, and each has a number of its own', async () => {
    const { panels } = (await dashboard()) as {
      panels: { id: number; gridPos: Record<'x' | 'y' | 'w' | 'h', number> }[]
    }
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length)
    const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_, cell) => `${x + (cell % w)} ${y + Math.floor(cell / w)}`),
    )
    expect(new Set(cells).size).toBe(cells.length)
    for (const { gridPos } of panels) expect(gridPos.x + gridPos.w).toBeLessThanOrEqual(24)
  })
})
