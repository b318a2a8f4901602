import { type Lazy, lazy } from '../utils/lazy.ts'
import { lazyPart } from '../utils/lazy-part.ts'
import type { Pipeline, PipelineOptions } from './request/pipeline.ts'
import type { toTensors } from './request/tensors/to-tensors.ts'

/** The pipeline's code: a page shows without it. */
export type PipelineCode = typeof import('./request/pipeline.ts')

/** The request pipeline, which is fetched and put together when it is first needed. */
export interface ClientPipeline extends Lazy<Pipeline> {
  /** Does something with the pipeline, if it can be had. Never rejects. */
  use(work: (pipeline: Pipeline) => unknown): Promise<void>
  readonly toTensors: typeof toTensors
}

export function createClientPipeline(
  load: () => Promise<PipelineCode>,
  options: () => PipelineOptions,
): ClientPipeline {
  const code = lazyPart('runs requests', load)
  const pipeline = lazy(async () => (await code.get()).openPipeline(options()))
  return {
    ...pipeline,
    async use(work) {
      const opened = await pipeline.get().catch(() => undefined)
      if (opened !== undefined) await work(opened)
    },
    toTensors: async (...args) => (await code.get()).toTensors(...args),
  }
}
