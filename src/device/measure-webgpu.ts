import type { BackendMeasurement } from '../contracts/measurements.ts'
import { isErrorLike } from '../errors/is-error-like.ts'
import type { Timers } from '../utils/with-deadline.ts'
import { detectWebgpu } from './detect-webgpu.ts'
import { probeBudgetsMs, withinBudget } from './probe-budget.ts'
import { type TimeBudget, timeRuns } from './time-runs.ts'

/** Side of the square matrices in the small and the large step; a side of n is n³ multiply-accumulates. */
const smallSide = 96
const largeSide = 768

/** A large step is only worth its time on an adapter that is at least this fast; anything slower loses to WASM. */
const worthMeasuringMacsPerSecond = 2e9

const shader = /* wgsl */ `
@group(0) @binding(0) var<storage, read> a: array<f32>;
@group(0) @binding(1) var<storage, read> b: array<f32>;
@group(0) @binding(2) var<storage, read_write> c: array<f32>;
override side: u32;
var<workgroup> tileA: array<array<f32, 8>, 8>;
var<workgroup> tileB: array<array<f32, 8>, 8>;
@compute @workgroup_size(8, 8)
fn main(@builtin(global_invocation_id) at: vec3u, @builtin(local_invocation_id) here: vec3u) {
  var sum = 0.0;
  for (var tile = 0u; tile < side / 8u; tile++) {
    tileA[here.y][here.x] = a[at.y * side + tile * 8u + here.x];
    tileB[here.y][here.x] = b[(tile * 8u + here.y) * side + at.x];
    workgroupBarrier();
    for (var k = 0u; k < 8u; k++) { sum += tileA[here.y][k] * tileB[k][here.x]; }
    workgroupBarrier();
  }
  c[at.y * side + at.x] = sum;
}`

/** Times one matrix product of `side`³ multiply-accumulates, dispatch to read-back. Resolves to milliseconds. */
async function prepareProduct(device: GPUDevice, side: number): Promise<(groups: number) => Promise<number>> {
  const bytes = side * side * 4
  const buffer = (usage: number) => device.createBuffer({ size: bytes, usage })
  const [a, b, c] = [buffer(0x80), buffer(0x80), buffer(0x80 | 0x4)]
  const readBack = device.createBuffer({ size: 16, usage: 0x1 | 0x8 })
  const pipeline = await device.createComputePipelineAsync({
    layout: 'auto',
    compute: { module: device.createShaderModule({ code: shader }), constants: { side } },
  })
  const group = device.createBindGroup({
    layout: pipeline.getBindGroupLayout(0),
    entries: [a, b, c].map((entry, binding) => ({ binding, resource: { buffer: entry } })),
  })
  return async (groups) => {
    const startedAt = performance.now()
    const encoder = device.createCommandEncoder()
    const pass = encoder.beginComputePass()
    pass.setPipeline(pipeline)
    pass.setBindGroup(0, group)
    pass.dispatchWorkgroups(groups, groups)
    pass.end()
    encoder.copyBufferToBuffer(c, 0, readBack, 0, 16)
    device.queue.submit([encoder.finish()])
    await readBack.mapAsync(0x1)
    readBack.unmap()
    return performance.now() - startedAt
  }
}

/**
 * Measures the WebGPU adapter with a matrix product, without loading a runtime file: whether those 17 MB are worth
 * fetching is what this decides. `macsPerSecond` is the speed beyond the fixed cost, `overheadMs` the fixed cost
 * of dispatch and read-back. Never rejects: an adapter that cannot be measured is not chosen. Takes `budgetMs` at
 * most: an adapter that has not ended the small product by then is no faster than what is told of it.
 */
export async function measureWebgpu(
  options: {
    readonly budgetMs?: number | undefined
    readonly gpu?: GPU | undefined
    readonly nowMs?: () => number
    readonly timers?: Timers
  } = {},
): Promise<BackendMeasurement> {
  const { budgetMs = probeBudgetsMs.webgpu, gpu, nowMs = () => performance.now(), timers } = options
  const startedAt = nowMs()
  const budget: TimeBudget = { untilMs: startedAt + budgetMs, nowMs }
  const took = () => nowMs() - startedAt
  /** What is known so far. */
  let known: Pick<BackendMeasurement, 'software' | 'detail' | 'overheadMs' | 'macsPerSecond'> = {}

  const measure = async (): Promise<BackendMeasurement> => {
    const found = await detectWebgpu(gpu)
    if (found === undefined) {
      return { backend: 'webgpu', status: 'absent', detail: 'this browser gives no WebGPU adapter' }
    }
    known = { software: found.facts.software, detail: found.facts.name }
    let device: GPUDevice | undefined
    try {
      device = await found.adapter.requestDevice()
      const small = await prepareProduct(device, smallSide)
      const overheadMs = await timeRuns(() => small(1), budget)
      const speedOf = (side: number, ms: number) => side ** 3 / (Math.max(ms - overheadMs, 0.01) / 1000)
      const smallSpeed = speedOf(smallSide, await timeRuns(() => small(smallSide / 8), budget))
      known = { ...known, overheadMs, macsPerSecond: smallSpeed }
      const largeMs = (largeSide ** 3 / smallSpeed) * 1000
      const isWorthIt = smallSpeed > worthMeasuringMacsPerSecond && !found.facts.software
      if (isWorthIt && took() + 2 * largeMs < budgetMs) {
        const large = await prepareProduct(device, largeSide)
        const largeSpeed = speedOf(largeSide, await timeRuns(() => large(largeSide / 8), budget))
        known = { ...known, macsPerSecond: largeSpeed }
      }
      return { backend: 'webgpu', ...known, status: 'measured', tookMs: took() }
    } catch (error) {
      const why = isErrorLike(error) ? error.message : String(error)
      return { backend: 'webgpu', ...known, status: 'failed', detail: `${found.facts.name}: ${why}` }
    } finally {
      device?.destroy()
    }
  }

  return withinBudget(
    budgetMs,
    measure(),
    () => ({
      backend: 'webgpu',
      status: 'measured',
      cutShort: true,
      // Not one run came back yet: a run takes no less than that, as far as is known.
      overheadMs: took(),
      macsPerSecond: smallSide ** 3 / (took() / 1000),
      ...known,
      tookMs: took(),
    }),
    timers,
  )
}
