import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createEndpoint, type Endpoint } from '../endpoint/create-endpoint.ts'
import type { EndpointOptions } from '../endpoint/plugin/endpoint-options.ts'
import { buildInferWorker } from './build-infer-worker.ts'
import { type HeldRuns, holdRuns } from './hold-runs.ts'
import { loopOnnx, tinyOnnx } from './tiny-onnx.ts'
import { writeModel } from './write-model.ts'

async function writeModels(modelsDir: string): Promise<void> {
  const rows = (name: string) => ({ name, type: 'float32' as const, shape: [-1, 2] })
  const sum = { inputs: [rows('a'), rows('b')], outputs: [rows('y')] }
  const nodes = [{ op: 'Add', inputs: ['a', 'b'], outputs: ['y'] }]
  await writeModel(modelsDir, { name: 'sum', ...sum, graph: tinyOnnx({ ...sum, nodes }) })
  await writeModel(modelsDir, { name: 'sum', revision: 'r0', ...sum, graph: tinyOnnx({ ...sum, nodes }) })

  const kinds = ['bool', 'uint8', 'float16', 'float32', 'int64', 'string'] as const
  const values = (suffix: string) => kinds.map((type) => ({ name: `${type}${suffix}`, type, shape: [-1] }))
  const id = { inputs: values('-in'), outputs: values('-out') }
  const copies = kinds.map((type) => ({ op: 'Identity', inputs: [`${type}-in`], outputs: [`${type}-out`] }))
  await writeModel(modelsDir, { name: 'id', ...id, graph: tinyOnnx({ ...id, nodes: copies }) })

  const one = (name: string) => [{ name, type: 'float32' as const, shape: [1] }]
  await writeModel(modelsDir, { name: 'slow', inputs: one('x'), outputs: one('y'), graph: loopOnnx(100_000n) })

  const files = [{ path: 'model.onnx', bytes: 3, sha256: '0'.repeat(64) }]
  await writeModel(modelsDir, { name: 'liar', ...sum, graph: new Uint8Array(3), manifest: { files } })
  await writeFile(join(modelsDir, 'sum', 'secret.txt'), 'secret')
}

async function writeApp(appDir: string): Promise<void> {
  await mkdir(join(appDir, 'assets'), { recursive: true })
  const files = {
    'index.html': '<!doctype html>',
    'widget-frame.html': '<!doctype html>',
    'widget.js': 'widget',
    'assets/app-1.js': 'raw',
    'assets/app-1.js.br': 'br',
    'assets/ort.wasm': 'wasm',
    'assets/ort.mjs': 'mjs',
    'manifest.webmanifest': '{}',
    '.env': 'secret',
  }
  for (const [path, text] of Object.entries(files)) await writeFile(join(appDir, path), text)
}

/** Endpoints over one folder of models and one built app. */
export interface EndpointFixture {
  /** Starts another endpoint on them, with one thread; `close` ends it too. */
  open(options?: Partial<EndpointOptions>): Promise<Endpoint>
  /** A thread script for another endpoint, which holds the runs that are given `heldNumber`. */
  holdRuns(): Promise<HeldRuns>
  readonly modelsDir: string
  readonly appDir: string
  close(): Promise<void>
}

/**
 * Writes real models and compiles the thread script, for tests of the endpoint.
 *
 * `sum`: a + b, floats in rows of two, in revisions r1 and r0. `id`: a copy of one tensor of each kind that JSON and
 * binary data treat differently. `slow` takes about a tenth of a second. `liar` is not what its manifest says.
 */
export async function openEndpointFixture(): Promise<EndpointFixture> {
  const dir = await mkdtemp(join(tmpdir(), 'hither-endpoint-'))
  const worker = await buildInferWorker()
  const modelsDir = join(dir, 'models')
  const appDir = join(dir, 'app')
  await writeModels(modelsDir)
  await writeApp(appDir)
  const endpoints: Endpoint[] = []
  const lettingGo: (() => Promise<void>)[] = []
  return {
    modelsDir,
    appDir,
    async open(options = {}) {
      const endpoint = await createEndpoint({ modelsDir, workers: 1, workerUrl: worker.url, logger: false, ...options })
      endpoints.push(endpoint)
      return endpoint
    },
    async holdRuns() {
      const held = await holdRuns(worker.url)
      lettingGo.push(held.letGo)
      return held
    },
    async close() {
      for (const letGo of lettingGo) await letGo()
      for (const endpoint of endpoints) await endpoint.close()
      await worker.remove()
      await rm(dir, { recursive: true })
    },
  }
}
