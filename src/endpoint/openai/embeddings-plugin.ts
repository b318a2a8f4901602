import { ValidationError } from '../../errors/validation-error.ts'
import { formatServerTiming } from '../../protocol/server/server-timing.ts'
import type { InferEngine } from '../engine/infer-engine.ts'
import { compressAnswer } from '../http/compress-answer.ts'
import { untilHungUp } from '../http/until-hung-up.ts'
import type { EndpointPlugin } from '../plugin/endpoint-plugin.ts'
import { createTextEmbedder, embeds } from './embed-texts.ts'
import { type OpenAiBody, openOpenAiFront } from './openai-front.ts'
import { openTokenizerThread } from './tokenizer-thread.ts'
import { writeEmbeddings } from './write-embeddings.ts'

const bodyLimitBytes = 4 * 1024 * 1024

/**
 * The OpenAI API of the models that run here and turn text into vectors: `GET /v1/models`, `POST /v1/embeddings`. A
 * model is one of them when its manifest has the preprocessing `tokens` and the decoding `embedding`.
 */
export function createEmbeddingsPlugin(engine: InferEngine, nowMs: () => number = Date.now): EndpointPlugin {
  const created = Math.floor(nowMs() / 1000)
  return {
    name: 'openai-embeddings',
    register(app, context) {
      const tokenizers = openTokenizerThread((cause) => app.log.error({ err: cause }, 'The tokenizer thread failed.'))
      app.addHook('onClose', () => tokenizers.close())
      const embedder = createTextEmbedder(engine, tokenizers)
      const front = openOpenAiFront(app, context, { bodyLimitBytes })
      front.addModels(async () => {
        const models = (await engine.models()).filter((model) => model.unavailable === undefined && embeds(model))
        // The first of a name is the one that answers.
        const names = [...new Set(models.map(({ name }) => name))]
        return names.map((id) => ({ id, object: 'model', created, owned_by: 'hither' }))
      })
      app.post<OpenAiBody>('/v1/embeddings', front.ofModel, async (request, reply) => {
        const name = front.modelOf(request)
        const model = await engine.find(name)
        engine.admit(name, undefined, undefined)
        const asked = await embedder.embed(model, request.body, untilHungUp(reply))
        const { vectors, tokens, times, format, dimensions } = asked
        const size = vectors[0]?.length ?? 0
        if (typeof dimensions === 'number' && dimensions !== size) {
          throw new ValidationError('options-invalid', `The vectors of ${name} have ${size} dimensions, and no fewer.`)
        }
        context.observe.ran(request, { model, times })
        const { queueMs: queue, computeMs: compute, totalMs: total } = times
        reply
          .header('Server-Timing', formatServerTiming({ queue, compute, total }))
          .header('Cache-Control', 'no-store')
          .type('application/json; charset=utf-8')
        const body = await writeEmbeddings(vectors, { model: name, tokens, format })
        return reply.send(await compressAnswer(body, request, reply))
      })
    },
  }
}
