import * as v from 'valibot'
import { ValidationError } from '../../errors/validation-error.ts'
import { formatServerTiming } from '../../protocol/server/server-timing.ts'
import type { InferEngine } from '../engine/infer-engine.ts'
import { untilHungUp } from '../http/until-hung-up.ts'
import type { EndpointPlugin } from '../plugin/endpoint-plugin.ts'
import { createTextEmbedder, embeds } from './embed-texts.ts'
import { namesModelSchema, openOpenAiFront } from './openai-front.ts'

const bodyLimitBytes = 4 * 1024 * 1024

/** As the OpenAI API limits it. */
const maxTexts = 2048

const tokensSchema = v.pipe(v.array(v.pipe(v.number(), v.safeInteger(), v.minValue(0))), v.minLength(1))
const bodySchema = v.object({
  ...namesModelSchema.entries,
  input: v.union([
    v.string(),
    tokensSchema,
    v.pipe(v.array(v.string()), v.minLength(1), v.maxLength(maxTexts)),
    v.pipe(v.array(tokensSchema), v.minLength(1), v.maxLength(maxTexts)),
  ]),
  // `null` stands for "absent" in requests of clients that are written in Python.
  encoding_format: v.nullish(v.picklist(['float', 'base64'])),
  dimensions: v.nullish(v.pipe(v.number(), v.safeInteger(), v.minValue(1))),
})

/**
 * The OpenAI API of the models that run here and turn text into vectors: `GET /v1/models`, `POST /v1/embeddings`. A
 * model is one of them when its manifest has the preprocessing `tokens` and the decoding `embedding`.
 */
export function createEmbeddingsPlugin(engine: InferEngine, nowMs: () => number = Date.now): EndpointPlugin {
  const embedder = createTextEmbedder(engine)
  const created = Math.floor(nowMs() / 1000)
  return {
    name: 'openai-embeddings',
    register(app, context) {
      const front = openOpenAiFront(app, context)
      front.addModels(async () => {
        const models = (await engine.models()).filter((model) => model.unavailable === undefined && embeds(model))
        // The first of a name is the one that answers.
        const names = [...new Set(models.map(({ name }) => name))]
        return names.map((id) => ({ id, object: 'model', created, owned_by: 'hither' }))
      })
      app.post('/v1/embeddings', { ...front.ofModel, bodyLimit: bodyLimitBytes }, async (request, reply) => {
        const { model: name, input, encoding_format: format, dimensions } = parseBody(request.body)
        const model = await engine.find(name)
        engine.admit(name, undefined, undefined)
        const { vectors, tokens, times } = await embedder.embed(model, toTexts(input), untilHungUp(reply))
        const size = vectors[0]?.length ?? 0
        if (typeof dimensions === 'number' && dimensions !== size) {
          throw new ValidationError('options-invalid', `The vectors of ${name} have ${size} dimensions, and no fewer.`)
        }
        context.observe.ran(request, { model, times })
        const { queueMs: queue, computeMs: compute, totalMs: total } = times
        reply.header('Server-Timing', formatServerTiming({ queue, compute, total })).header('Cache-Control', 'no-store')
        const data = vectors.map((vector, index) => ({
          object: 'embedding',
          index,
          embedding: toWire(vector, format ?? 'float'),
        }))
        return { object: 'list', data, model: name, usage: { prompt_tokens: tokens, total_tokens: tokens } }
      })
    },
  }
}

function parseBody(body: unknown): v.InferOutput<typeof bodySchema> {
  const parsed = v.safeParse(bodySchema, body)
  if (parsed.success) return parsed.output
  const [issue] = parsed.issues
  throw new ValidationError('options-invalid', `"${v.getDotPath(issue) ?? 'the body'}": ${issue.message}.`)
}

type Input = v.InferOutput<typeof bodySchema>['input']

const toTexts = (input: Input): readonly (string | readonly number[])[] =>
  typeof input === 'string' || typeof input[0] === 'number'
    ? [input as string | number[]]
    : (input as string[] | number[][])

/** `base64` is of little-endian float32. */
const toWire = (vector: Float32Array, format: 'float' | 'base64'): readonly number[] | string =>
  format === 'float' ? Array.from(vector) : Buffer.from(vector.buffer).toString('base64')
