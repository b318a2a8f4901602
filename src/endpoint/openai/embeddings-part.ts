import { ValidationError } from '../../errors/validation-error.ts'
import { formatServerTiming } from '../../protocol/server/server-timing.ts'
import type { InferEngine } from '../engine/infer-engine.ts'
import { compressAnswer } from '../http/compress-answer.ts'
import { untilHungUp } from '../http/until-hung-up.ts'
import { createTextEmbedder, embeds } from './embed-texts.ts'
import type { OpenAiBody } from './openai-front.ts'
import type { OpenAiPart } from './openai-plugin.ts'
import { openTokenizerThread } from './tokenizer-thread.ts'
import { writeEmbeddings } from './write-embeddings.ts'

/**
 * `POST /v1/embeddings` of the models that run here and turn text into vectors. A model is one of them when its manifest
 * has the preprocessing `tokens` and the decoding `embedding`.
 */
export function createEmbeddingsPart(engine: InferEngine): OpenAiPart {
  return {
    async models() {
      const models = (await engine.models()).filter((model) => model.unavailable === undefined && embeds(model))
      return models.map(({ name }) => ({ id: name }))
    },
    register(app, context, front) {
      const tokenizers = openTokenizerThread((cause) => app.log.error({ err: cause }, 'The tokenizer thread failed.'))
      app.addHook('onClose', () => tokenizers.close())
      const embedder = createTextEmbedder(engine, tokenizers)
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
