import type { BackendMeasurement } from '../contracts/measurements.ts'
import { isErrorLike } from '../errors/is-error-like.ts'
import type { Timers } from '../utils/with-deadline.ts'
import { probeBudgetsMs, withinBudget } from './probe-budget.ts'
import { type TimeBudget, timeRuns } from './time-runs.ts'

/** The part of WebNN (https://www.w3.org/TR/webnn/) that measuring uses; TypeScript has no types of it. */
interface MlTensor {
  destroy?(): void
}
interface MlContext {
  createTensor(descriptor: object): Promise<MlTensor>
  writeTensor(tensor: MlTensor, data: Float32Array): void
  dispatch(graph: object, inputs: Record<string, MlTensor>, outputs: Record<string, MlTensor>): void
  readTensor(tensor: MlTensor): Promise<ArrayBuffer>
  destroy?(): void
}
interface MlBuilder {
  input(name: string, descriptor: object): object
  constant(descriptor: object, data: Float32Array): object
  matmul(a: object, b: object): object
  build(outputs: Record<string, object>): Promise<object>
}
export interface WebnnEnvironment {
  readonly ml: { createContext(options?: object): Promise<MlContext> } | undefined
  readonly GraphBuilder: (new (context: MlContext) => MlBuilder) | undefined
}

/** Side of the square matrices: 28.3 million multiply-accumulates. */
const side = 304

function systemWebnn(): WebnnEnvironment {
  const scope = globalThis as { MLGraphBuilder?: new (context: MlContext) => MlBuilder }
  const { ml } = globalThis.navigator as Navigator & { ml?: WebnnEnvironment['ml'] }
  return { ml, GraphBuilder: scope.MLGraphBuilder }
}

/** Times products of `rows` by `side` by `side`, from writing the input to reading the output. */
async function timeProduct(context: MlContext, builder: MlBuilder, rows: number, budget: TimeBudget): Promise<number> {
  const descriptor = (shape: number[], usage: object = {}) => ({ dataType: 'float32', shape, ...usage })
  const weights = builder.constant(descriptor([side, side]), new Float32Array(side * side).fill(0.5))
  const graph = await builder.build({ y: builder.matmul(builder.input('x', descriptor([rows, side])), weights) })
  const x = await context.createTensor(descriptor([rows, side], { writable: true }))
  const y = await context.createTensor(descriptor([rows, side], { readable: true }))
  const data = new Float32Array(rows * side).fill(0.5)
  try {
    return await timeRuns(async () => {
      context.writeTensor(x, data)
      context.dispatch(graph, { x }, { y })
      await context.readTensor(y)
    }, budget)
  } finally {
    x.destroy?.()
    y.destroy?.()
  }
}

/**
 * Measures WebNN with a matrix product, without loading a runtime file. Never rejects: absent where the browser
 * has no WebNN or offers it no device. Takes `budgetMs` at most.
 */
export async function measureWebnn(
  options: {
    readonly budgetMs?: number | undefined
    readonly environment?: WebnnEnvironment
    readonly timers?: Timers
  } = {},
): Promise<BackendMeasurement> {
  const { budgetMs = probeBudgetsMs.webnn, environment = systemWebnn(), timers } = options
  const { ml, GraphBuilder } = environment
  if (ml === undefined || GraphBuilder === undefined) {
    return { backend: 'webnn', status: 'absent', detail: 'this browser has no WebNN' }
  }
  const startedAt = performance.now()
  const budget: TimeBudget = { untilMs: startedAt + budgetMs }
  const took = () => performance.now() - startedAt

  const measure = async (): Promise<BackendMeasurement> => {
    let context: MlContext
    try {
      context = await ml.createContext({ powerPreference: 'high-performance' })
    } catch {
      return { backend: 'webnn', status: 'absent', detail: 'WebNN has no device here' }
    }
    try {
      const overheadMs = await timeProduct(context, new GraphBuilder(context), 1, budget)
      const workMs = Math.max((await timeProduct(context, new GraphBuilder(context), side, budget)) - overheadMs, 0.01)
      const macsPerSecond = side ** 3 / (workMs / 1000)
      return { backend: 'webnn', status: 'measured', overheadMs, macsPerSecond, tookMs: took() }
    } catch (error) {
      return { backend: 'webnn', status: 'failed', detail: isErrorLike(error) ? error.message : String(error) }
    } finally {
      context.destroy?.()
    }
  }
  return withinBudget(
    budgetMs,
    measure(),
    () => ({
      backend: 'webnn',
      status: 'measured',
      cutShort: true,
      overheadMs: took(),
      macsPerSecond: side ** 3 / (took() / 1000),
      tookMs: took(),
    }),
    timers,
  )
}
