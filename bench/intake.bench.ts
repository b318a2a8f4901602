import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import { reportsPath } from '../src/contracts/report.ts'
import { openPostgres } from '../src/testing/postgres-fixture.ts'
import { type BenchServer, startIntake } from './endpoint/server.ts'
import type { Bench } from './support/bench.ts'
import { quantile } from './support/quantiles.ts'
import { createRandom } from './support/random.ts'

interface IntakeFigures {
  readonly database: 'SQLite' | 'PostgreSQL'
  readonly recordsPerSecond: number
  /** From sending a batch to its acknowledgement: then the disk has it. */
  readonly p50Ms: number
  readonly p99Ms: number
  /** The same batches once more: each report is known. */
  readonly duplicatesPerSecond: number
  readonly memoryBytes: number
}

/**
 * The intake: packed batches of 100 reports, as devices send them, to the built endpoint in a process of its own. Flags:
 * `--batches` (300), `--connections` (4), `--postgres URL` for a database that is there already.
 */
export const bench: Bench = async (flags, print) => {
  const count = Number(flags.value('batches') ?? 300)
  const connections = Number(flags.value('connections') ?? 4)
  const figures: IntakeFigures[] = []
  const dataDir = await mkdtemp(join(tmpdir(), 'hither-bench-'))
  const sqlite = await startIntake({ args: ['--data', dataDir] })
  try {
    figures.push({ database: 'SQLite', ...(await measure(sqlite, count, connections)) })
  } finally {
    await sqlite.close()
    await rm(dataDir, { recursive: true })
  }
  print(toLine(figures[0]))

  const given = flags.value('postgres')
  const postgres = given === undefined ? await openPostgres() : { url: given, close: async () => {} }
  if ('missing' in postgres) print(`PostgreSQL: not measured, because ${postgres.missing}`)
  else {
    try {
      const server = await startIntake({ env: { DATABASE_URL: postgres.url } })
      try {
        figures.push({ database: 'PostgreSQL', ...(await measure(server, count, connections)) })
      } finally {
        await server.close()
      }
    } finally {
      await postgres.close()
    }
    print(toLine(figures[1]))
  }
  return { batches: count, recordsEach: 100, connections, databases: figures }
}

const toLine = (figures: IntakeFigures | undefined): string =>
  figures === undefined
    ? ''
    : `${figures.database.padEnd(10)}  ${figures.recordsPerSecond.toFixed(0)} records/s  a batch of 100: p50 ${figures.p50Ms.toFixed(1)} ms, p99 ${figures.p99Ms.toFixed(1)} ms  sent again: ${figures.duplicatesPerSecond.toFixed(0)} records/s  memory ${(figures.memoryBytes / 2 ** 20).toFixed(0)} MiB`

async function measure(
  server: BenchServer,
  count: number,
  connections: number,
): Promise<Omit<IntakeFigures, 'database'>> {
  const batches = await makeBatches(count + connections)
  // Connections, prepared statements and the just-in-time compiler.
  await sendAll(server, batches.slice(count), connections, 'accepted')
  const first = await sendAll(server, batches.slice(0, count), connections, 'accepted')
  const again = await sendAll(server, batches.slice(0, count), connections, 'duplicates')
  return {
    recordsPerSecond: (count * 100) / first.seconds,
    p50Ms: quantile(first.times, 0.5),
    p99Ms: quantile(first.times, 0.99),
    duplicatesPerSecond: (count * 100) / again.seconds,
    memoryBytes: await server.memoryBytes(),
  }
}

async function sendAll(
  server: BenchServer,
  batches: readonly Uint8Array<ArrayBuffer>[],
  connections: number,
  expected: 'accepted' | 'duplicates',
) {
  const queue = [...batches]
  const times: number[] = []
  const startedAt = performance.now()
  const sendSome = async () => {
    for (let body = queue.shift(); body !== undefined; body = queue.shift()) {
      const sentAt = performance.now()
      const answer = await fetch(`${server.url}${reportsPath}`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json', 'Content-Encoding': 'gzip' },
        body,
      })
      const said = (await answer.json()) as Readonly<Record<string, readonly unknown[]>>
      if (said[expected]?.length !== 100) throw new Error(`not ${expected}: ${JSON.stringify(said).slice(0, 200)}`)
      times.push(performance.now() - sentAt)
    }
  }
  await Promise.all(Array.from({ length: connections }, sendSome))
  return { seconds: (performance.now() - startedAt) / 1000, times }
}

/** Reports of many devices: some models, both arms, a failure now and then. */
async function makeBatches(count: number): Promise<readonly Uint8Array<ArrayBuffer>[]> {
  const random = createRandom(1)
  const pack = promisify(gzip)
  const pick = <T>(values: readonly T[]): T | undefined => values[Math.floor(random() * values.length)]
  const report = () => {
    const base = {
      id: crypto.randomUUID(),
      atMs: Date.now() - random() * 7_200_000,
      model: pick(['digits', 'language-identification', 'intents-small']),
      revision: '1',
      actualMs: Math.exp(2 + 2 * random()),
    }
    if (random() < 0.02) return { ...base, kind: 'failure', arm: 'edge', code: 'edge-device-lost', backend: 'webgpu' }
    const [ran, backend] = random() < 0.7 ? ['edge', pick(['wasm', 'webgpu'])] : ['cloud', undefined]
    const attempts = [{ arm: ran, ms: base.actualMs }]
    return {
      ...base,
      kind: 'route',
      ran,
      backend,
      reason: `${ran}-faster`,
      predictedEdgeMs: 9,
      predictedCloudMs: 80,
      attempts,
    }
  }
  const batches: Uint8Array<ArrayBuffer>[] = []
  for (let index = 0; index < count; index += 1) {
    const reports = Array.from({ length: 100 }, report)
    const browser = { family: pick(['Chrome', 'Firefox', 'Safari']), version: '156' }
    const batch = { version: 1, device: crypto.randomUUID(), sentAtMs: Date.now(), browser, reports }
    batches.push(new Uint8Array(await pack(JSON.stringify(batch))))
  }
  return batches
}
