import type { FastifyReply, FastifyRequest } from 'fastify'
import { CloudError } from '../../../errors/cloud-error.ts'
import { isHitherError } from '../../../errors/hither-error.ts'
import { untilHungUp } from '../../http/until-hung-up.ts'
import { type OpenAiBody, openOpenAiFront } from '../../openai/openai-front.ts'
import type { EndpointPlugin } from '../../plugin/endpoint-plugin.ts'
import { byConversation, type UpstreamStatus } from '../upstreams/choose-upstream.ts'
import type { GatewayUpstreams } from '../upstreams/gateway-upstreams.ts'
import { createOpenAiModels } from './openai-models.ts'
import { relayAnswer } from './relay-answer.ts'

/** What is passed on. All else of the OpenAI API stays closed: files and the like are not the gateway's to open. */
const passedOn = ['chat/completions', 'completions', 'embeddings']

/** Errors of a connection that was never made: the upstream has seen nothing of the request. */
const neverSent: ReadonlySet<unknown> = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
])

/**
 * The OpenAI API of the upstreams that have one, streams and all. A conversation goes to the same upstream while that is
 * healthy and has no more than its share, anything else to the least loaded one that has the model. It goes to another only if the first has certainly done nothing: it could not be reached, or it answered
 * that it is overloaded. Generating twice would cost twice.
 */
export function createOpenAiPlugin(
  engine: GatewayUpstreams,
  options: {
    readonly now?: () => number
    readonly onFault?: (error: unknown, about: { readonly upstream: string; readonly model: string }) => void
  } = {},
): EndpointPlugin {
  const { now = () => performance.now(), onFault = () => {} } = options
  const models = createOpenAiModels(engine.usable, now)

  const forward = async (
    path: string,
    { body }: FastifyRequest<OpenAiBody>,
    reply: FastifyReply,
    { model, conversation }: { readonly model: string; readonly conversation: string },
    onModel: () => void,
  ): Promise<FastifyReply> => {
    const hungUp = untilHungUp(reply)
    const found = await models.find(model)
    const having = conversation === '' ? found : inOrder(found, conversation, now())
    onModel()
    let failure: unknown
    for (const { upstream, base } of having.slice(0, 2)) {
      const { state } = upstream
      const done = state.begin()
      reply.raw.once('close', done)
      try {
        const response = await upstream.post(`${base}/${path}`, body, hungUp)
        if (response.status === 401) {
          // The refused token is the gateway's: the client must not be asked for a new one of its own.
          await response.body?.cancel()
          throw new CloudError('cloud-bad-response', 'The upstream did not accept this gateway.')
        }
        const busy = response.status === 429 || response.status === 503
        if (busy) {
          const seconds = Number(response.headers.get('retry-after') ?? Number.NaN)
          state.overloaded(now(), Number.isFinite(seconds) ? seconds * 1000 : undefined)
          if (upstream !== having.slice(0, 2).at(-1)?.upstream) {
            await response.body?.cancel()
            done()
            continue
          }
        } else if (response.status === 502 || response.status === 504) engine.blame(upstream)
        await relayAnswer(response, reply, {
          onWhole: () => {
            if (response.ok) state.succeeded()
          },
          onCut(cause) {
            if (hungUp.aborted) return
            engine.blame(upstream)
            onFault(cause, { upstream: upstream.url, model })
          },
        })
        return reply
      } catch (error) {
        done()
        hungUp.throwIfAborted()
        if (isHitherError(error)) throw error
        engine.blame(upstream)
        onFault(error, { upstream: upstream.url, model })
        failure = error
        if (!neverSent.has(codeOf(error))) break
      }
    }
    throw new CloudError('cloud-unreachable', 'The upstream with this model could not be reached, or did not answer.', {
      cause: failure,
    })
  }

  return {
    name: 'openai-upstreams',
    register(app, context) {
      const front = openOpenAiFront(app, context)
      front.addModels(models.list, models.describe)
      for (const path of passedOn) {
        app.post<OpenAiBody>(`/v1/${path}`, front.ofModel, (request, reply) => {
          const model = front.modelOf(request)
          const conversation = path === 'embeddings' ? '' : front.conversationOf(request)
          return forward(path, request, reply, { model, conversation }, () => context.observe.named(request, model))
        })
      }
    },
  }
}

/** The upstream that knows this conversation first. */
function inOrder<T extends { readonly upstream: UpstreamStatus }>(
  having: readonly T[],
  conversation: string,
  nowMs: number,
) {
  const upstreams = having.map(({ upstream }) => upstream)
  return byConversation(upstreams, conversation, nowMs).flatMap((chosen) =>
    having.filter(({ upstream }) => upstream === chosen),
  )
}

/** The system's code of a failed fetch: undici puts it into the cause. */
function codeOf(error: unknown): unknown {
  const cause = error instanceof Error ? error.cause : undefined
  return cause instanceof Error && 'code' in cause ? cause.code : undefined
}
