import type { InferenceSession } from 'onnxruntime-common'
import type { Generation } from '../../contracts/generation.ts'
import type { TensorMap, TensorSpec } from '../../contracts/tensor.ts'
import type { DecoderShape } from '../../generation/decoder/decoder-shape.ts'
import { openWriter } from '../../generation/writer/open-writer.ts'
import type { WriteEnd, WriteEvent, WriteRequest } from '../../generation/writer/write-request.ts'
import { rememberedBytes } from '../../models/manifest/writing-memory.ts'
import { zeroTensor } from '../../protocol/tensors/zero-tensor.ts'
import { nextTurn } from '../../utils/next-turn.ts'
import type { ModelFiles } from '../worker-types.ts'
import type { Runtime } from './runtime.ts'
import type { RuntimeTensor } from './tensors.ts'

/** A language model in this worker. */
export interface ModelWriter {
  /** @see EdgeWorkerMethods.write */
  write(
    request: WriteRequest,
    onEvents: (events: readonly WriteEvent[]) => void,
    signal: AbortSignal | undefined,
  ): Promise<WriteEnd>
  /** Inputs of a run that reads a single token: what writing one takes. */
  readonly firstStep: TensorMap
}

/** A message to the page for each token would cost more than small models take to write one. */
const tellEachMs = 30

/**
 * Tells events a few at a time, and the first ones at once. Text that follows text is one event, but where a call may
 * begin with any token.
 */
function tellInBatches(tell: (events: readonly WriteEvent[]) => unknown, { prompt }: WriteRequest) {
  let pending: WriteEvent[] = []
  let toldAt = Number.NEGATIVE_INFINITY
  const flush = () => {
    if (pending.length === 0) return
    const events = pending
    pending = []
    toldAt = performance.now()
    // Who is gone needs no news.
    Promise.resolve(tell(events)).catch(() => {})
  }
  return {
    add(event: WriteEvent) {
      const last = pending.at(-1)
      if (event.type === 'text' && last?.type === 'text' && !('tools' in prompt)) {
        const { tokens, text, again = 0 } = last
        pending[pending.length - 1] = {
          ...event,
          tokens: [...tokens, ...event.tokens],
          text: text + event.text,
          again: again + (event.again ?? 0),
        }
      } else pending.push(event)
      if (performance.now() - toldAt >= tellEachMs) flush()
    },
    flush,
  }
}

/** Of a decoder that has read nothing yet: a mask of one token, keys and values of none. */
const firstStep = (inputs: readonly TensorSpec[]): TensorMap =>
  Object.fromEntries(
    inputs.map(({ name, type, shape = [] }) => {
      const isCache = name.startsWith('past_key_values.')
      const dims = shape.map((size, axis) => (size >= 0 ? size : isCache && axis > 0 ? 0 : 1))
      const zeros = zeroTensor(type, dims)
      if (name === 'attention_mask' && zeros.data instanceof BigInt64Array) zeros.data.fill(1n)
      return [name, zeros]
    }),
  )

/** Fetched where there is a graphics processor. */
async function gpuMemoryOf({ Tensor }: Runtime, gpu: GPUDevice) {
  const { createGpuMemory } = await import('../../generation/decoder/gpu-memory.ts')
  return (shape: DecoderShape) => createGpuMemory(shape, gpu, Tensor)
}

/**
 * Opens a language model that was loaded.
 *
 * @param run runs its session in its turn among other models' runs
 * @throws as `openWriter` does
 */
export async function openModelWriter(options: {
  readonly runtime: Runtime
  readonly session: InferenceSession
  readonly run: (
    feeds: Readonly<Record<string, RuntimeTensor>>,
    outputs?: Readonly<Record<string, RuntimeTensor | null>>,
  ) => Promise<Readonly<Record<string, RuntimeTensor>>>
  /** The graphics processor that the session is on. */
  readonly gpu?: GPUDevice | undefined
  readonly inputs: readonly TensorSpec[]
  readonly generation: Generation
  readonly files: NonNullable<ModelFiles['generation']>
}): Promise<ModelWriter> {
  const { runtime, session, run, gpu, inputs, generation, files } = options
  const { inputMetadata, inputNames, outputNames } = session
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes)
  const { tokenizer, tokenizerConfig, chatTemplate } = files
  const writer = openWriter({
    session: { inputMetadata, inputNames, outputNames, run: run as InferenceSession['run'] },
    TensorClass: runtime.Tensor,
    ...(gpu === undefined ? {} : { gpuMemory: await gpuMemoryOf(runtime, gpu) }),
    generation,
    files: {
      tokenizer: text(tokenizer),
      tokenizerConfig: tokenizerConfig && text(tokenizerConfig),
      chatTemplate: chatTemplate && text(chatTemplate),
    },
    cacheBytes: rememberedBytes(generation),
    pause: nextTurn,
  })
  return {
    async write(request, onEvents, signal) {
      const batches = tellInBatches(onEvents, request)
      try {
        return await writer.write(request, batches.add, signal)
      } finally {
        batches.flush()
      }
    },
    firstStep: firstStep(inputs),
  }
}
