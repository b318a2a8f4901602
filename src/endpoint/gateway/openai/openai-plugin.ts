import type { Timers } from '../../../utils/with-deadline.ts'
import { type OpenAiBody, openOpenAiFront } from '../../openai/openai-front.ts'
import type { EndpointPlugin } from '../../plugin/endpoint-plugin.ts'
import type { StreamMove } from '../continuing/continue-stream.ts'
import type { GatewayUpstreams } from '../upstreams/gateway-upstreams.ts'
import { createForward } from './forward.ts'
import { createOpenAiModels } from './openai-models.ts'

/** What is passed on. All else of the OpenAI API stays closed: files and the like are not the gateway's to open. */
const passedOn = ['chat/completions', 'completions', 'embeddings']

/** Milliseconds without a token after which a stream counts as stalled: between two tokens, and before the first one. */
const usualStallMs = { least: 2_000, first: 60_000 }

/** Streams of texts. */
export interface StreamSettings {
  /**
   * Is a text whose upstream dies, stalls or sends nonsense gone on with at another upstream? It reads the prompt once more.
   * Default: not at those of kinds that charge.
   */
  readonly continues?: boolean
  /**
   * Milliseconds without a token after which a stream has stalled, or four times the upstream's usual gap where that is
   * more. Default 2,000.
   */
  readonly stallMs?: number
  /** The same before the first token, and while the usual gap is not known. Default 60,000. */
  readonly firstStallMs?: number
}

/**
 * The OpenAI API of the upstreams that have one, streams and all. A conversation goes to the same upstream while that is
 * healthy and has no more than its share, anything else to the least loaded one that has the model.
 */
export function createOpenAiPlugin(
  engine: GatewayUpstreams,
  options: StreamSettings & {
    readonly now?: () => number
    readonly timers?: Timers
    readonly onFault?: (error: unknown, about: { readonly upstream: string; readonly model: string }) => void
  } = {},
): EndpointPlugin {
  const { now = () => performance.now(), onFault = () => {}, continues, timers } = options
  const { stallMs = usualStallMs.least, firstStallMs = usualStallMs.first } = options
  const models = createOpenAiModels(engine.usable, now)
  const stall = { leastMs: stallMs, firstMs: firstStallMs }
  const forward = createForward({ engine, models, now, onFault, continues, stall, timers })

  return {
    name: 'openai-upstreams',
    register(app, context) {
      const { observe, codec } = context
      const front = openOpenAiFront(app, context)
      front.addModels(models.list, models.describe)
      for (const path of passedOn) {
        app.post<OpenAiBody>(`/v1/${path}`, front.ofModel, (request, reply) => {
          const model = front.modelOf(request)
          const asked = {
            ...{ path, model, body: request.body, edit: codec.edit, fields: front.fieldsOf(request) },
            conversation: path === 'embeddings' ? '' : front.conversationOf(request),
            onModel: () => observe.named(request, model),
            onMove: (move: StreamMove) => observe.moved({ model, ...move }),
          }
          return forward(asked, reply)
        })
      }
    },
  }
}
