import { performance } from 'node:perf_hooks'
import { InferenceSession, Tensor } from 'onnxruntime-node'
import type { Manifest } from '../../src/contracts/manifest.ts'
import { leastDims } from '../../src/models/manifest/shapes.ts'
import { type LogNormal, logNormal } from '../../src/utils/log-normal.ts'
import { quantile } from '../support/quantiles.ts'

const runs = 60
const firstRunsOut = 10

const arrays = { uint8: Uint8Array, int8: Int8Array, int32: Int32Array, float32: Float32Array, float64: Float64Array }

/** C / R, measured: a model's time on one worker of the endpoint, which runs on one thread of this machine. */
export async function measureWorker(manifest: Manifest, graph: SharedArrayBuffer): Promise<LogNormal> {
  const session = await InferenceSession.create(new Uint8Array(graph).slice(), { intraOpNumThreads: 1 })
  const feeds = Object.fromEntries(
    manifest.inputs.map(({ name, type, shape }) => {
      const dims = leastDims(shape)
      const length = dims.reduce((product, size) => product * size, 1)
      if (type === 'int64') return [name, new Tensor('int64', new BigInt64Array(length), dims)]
      if (!Object.hasOwn(arrays, type)) throw new RangeError(`give --cloud-ms: no input of ${type} is made up here`)
      return [
        name,
        new Tensor(type as 'float32', new arrays[type as keyof typeof arrays](length) as Float32Array, dims),
      ]
    }),
  )
  const samples: number[] = []
  for (let run = 0; run < runs; run += 1) {
    const start = performance.now()
    await session.run(feeds)
    if (run >= firstRunsOut) samples.push(performance.now() - start)
  }
  await session.release()
  // The quartiles' distance gives the spread, so that one hiccup of this machine does not.
  const spread = Math.log(quantile(samples, 0.75) / quantile(samples, 0.25)) / 1.349
  return logNormal(quantile(samples, 0.5), Math.max(0.01, spread ** 2))
}
