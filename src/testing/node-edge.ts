import { InferenceSession, Tensor } from 'onnxruntime-node'
import type { GenerateParts } from '../client/generate/routing/generate-parts.ts'
import type { Manifest } from '../contracts/manifest.ts'
import { EdgeError } from '../errors/edge-error.ts'
import { openWriter } from '../generation/writer/open-writer.ts'
import { invariant } from '../utils/invariant.ts'
import { nextTurn } from '../utils/next-turn.ts'

/** An engine of one language model in this very thread: the loop that the edge worker runs, on onnxruntime-node. */
export interface NodeEdge {
  readonly edge: GenerateParts['edge']
  /** Runs that wrote, so far. */
  readonly runs: () => number
  /** The next run dies after so many tokens. */
  dieAfter(tokens: number): void
  close(): Promise<void>
}

export async function openNodeEdge(manifest: Manifest, files: Readonly<Record<string, Uint8Array>>): Promise<NodeEdge> {
  const { generation, graph } = manifest
  const bytes = files[graph]
  invariant(generation !== undefined && bytes !== undefined, 'it is a language model with its files')
  const session = await InferenceSession.create(bytes)
  const text = (path: string | undefined) => {
    const found = path === undefined ? undefined : files[path]
    return found && new TextDecoder().decode(found)
  }
  const writer = openWriter({
    session,
    TensorClass: Tensor,
    generation,
    files: {
      tokenizer: text(generation.tokenizer) ?? '',
      tokenizerConfig: text(generation.tokenizerConfig),
      chatTemplate: text(generation.chatTemplate),
    },
    cacheBytes: 1e8,
    pause: nextTurn,
  })
  let diesAfter = Number.POSITIVE_INFINITY
  let runs = 0
  return {
    runs: () => runs,
    dieAfter(tokens) {
      diesAfter = tokens
    },
    close: () => session.release(),
    edge: {
      check: async () => {},
      loaded: () => ({ backend: 'wasm' }),
      async write(_, request, { onEvents, signal }) {
        const death = new AbortController()
        let left = request.maxTokens > 0 ? diesAfter : Number.POSITIVE_INFINITY
        if (request.maxTokens > 0) {
          diesAfter = Number.POSITIVE_INFINITY
          runs += 1
        }
        const both = signal === undefined ? death.signal : AbortSignal.any([signal, death.signal])
        const end = await writer.write(
          request,
          (event) => {
            if (death.signal.aborted) return
            if (event.type === 'text') left -= event.tokens.length
            if (left < 0) death.abort(new EdgeError('edge-crashed', 'The worker has ended.'))
            else onEvents([event])
          },
          both,
        )
        // It may have died with its last token.
        death.signal.throwIfAborted()
        return end
      },
    },
  }
}
