import type { FastifyReply, FastifyRequest } from 'fastify'
import { CloudError } from '../../../errors/cloud-error.ts'
import { ValidationError } from '../../../errors/validation-error.ts'
import type { AnswerForm } from '../../../protocol/openai/answer-form.ts'
import { createChatForm } from '../../../protocol/openai/chat-form.ts'
import { createCompletionForm } from '../../../protocol/openai/completion-form.ts'
import { randomId } from '../../../utils/random-id.ts'
import type { InferEngine } from '../../engine/infer-engine.ts'
import { timeoutOf } from '../../http/client-timeout.ts'
import { untilHungUp } from '../../http/until-hung-up.ts'
import { findModel, isReady } from '../../model-folder/find-model.ts'
import type { ModelFolder } from '../../model-folder/model-folder.ts'
import type { OpenAiBody } from '../../openai/openai-front.ts'
import type { OpenAiPart } from '../../openai/openai-plugin.ts'
import type { WritingPool } from '../pool/writing-pool.ts'
import { type WritingReadyModel, type WritingTask, writes } from '../pool/writing-task.ts'
import type { EventLog } from './event-log.ts'
import { createKeptStreams } from './kept-streams.ts'
import { toModelEntry } from './model-entries.ts'
import { openRequestReader } from './read-requests.ts'
import type { RequestKind } from './request-methods.ts'
import { streamAnswer } from './stream-answer.ts'
import { addStreamRoute, sendEvents } from './stream-route.ts'
import { tellEvents, tellWhole } from './tell-answer.ts'
import { toTask, type WritingRequest } from './to-task.ts'
import { type WritingWatch, watchWriting } from './watch-writing.ts'

/** How long a stream is kept after its end. */
const keptMs = 60_000
/** How long a reader may take nothing: less than requests wait, which may wait for the room that its answer has. */
const stallMs = 25_000

/** The model of this name that writes. @throws {CloudError} `cloud-model-missing`, `cloud-overloaded` @throws {ValidationError} */
function findWriter(folder: ModelFolder, name: string): WritingReadyModel {
  const record = findModel(folder.models.records, name)
  if (!isReady(record)) {
    const { state } = record
    throw new CloudError('cloud-overloaded', state.status === 'refused' ? state.reason : 'The model is not ready.')
  }
  if (writes(record)) return record
  throw new ValidationError('options-invalid', `The model ${name} does not write text.`, {
    context: { param: 'model' },
  })
}

/**
 * What the language models of a folder answer of the OpenAI API: `POST /v1/chat/completions`, `POST /v1/completions`, and
 * `GET /v1/streams/ID` for readers who have lost their connection.
 */
export function createWritingPart(options: {
  readonly engine: InferEngine
  readonly folder: ModelFolder
  readonly pool: WritingPool
  readonly random?: () => number
  readonly nowMs?: () => number
}): OpenAiPart {
  const { engine, folder, pool, random = Math.random, nowMs = Date.now } = options
  return {
    async models() {
      const firsts = folder.models.records.filter(
        ({ name }, index, all) => all.findIndex((other) => other.name === name) === index,
      )
      return firsts.filter(isReady).filter(writes).map(toModelEntry)
    },
    register(app, context, front) {
      const { observe, access } = context
      const requests = openRequestReader((cause) =>
        app.log.error({ err: cause }, 'The thread that reads requests failed.'),
      )
      const kept = createKeptStreams(keptMs)
      app.addHook('onClose', async () => {
        kept.close()
        await requests.close()
      })

      const answerWhole = async (
        asked: WritingRequest,
        task: WritingTask,
        parts: Answering,
        reply: FastifyReply,
      ): Promise<FastifyReply> => {
        const { form, watch, hungUp } = parts
        const telling = tellWhole(asked, form)
        try {
          const end = await pool.write(
            task,
            (event) => {
              watch.event(event)
              telling.event(event)
            },
            hungUp,
          )
          watch.ended(end, telling.tokens)
          return reply.header('Cache-Control', 'no-store').send(telling.end(end)[0])
        } catch (error) {
          watch.ended(hungUp.aborted ? 'aborted' : 'failed', telling.tokens)
          throw error
        }
      }
      const streamOf = (asked: WritingRequest, task: WritingTask, parts: Answering): Promise<EventLog> => {
        const { id, form, watch, hungUp, client } = parts
        const telling = tellEvents(asked, form)
        let queueMs = 0
        return streamAnswer({
          async write(take, signal) {
            const end = await pool.write(task, take, signal)
            queueMs = end.queueMs
            return end
          },
          telling,
          resumable: asked.resumable,
          stallMs,
          hungUp,
          onEvent: watch.event,
          onBegin: (log) => kept.add(id, { log, model: task.model.name, client }),
          onEnd(outcome) {
            watch.ended(typeof outcome === 'string' ? outcome : { ...outcome, queueMs }, telling.tokens)
            kept.ended(id)
          },
        })
      }

      const answer =
        (kind: RequestKind) =>
        async (request: FastifyRequest<OpenAiBody>, reply: FastifyReply): Promise<FastifyReply> => {
          const name = front.modelOf(request)
          const model = findWriter(folder, name)
          observe.named(request, name)
          const hungUp = untilHungUp(reply)
          const asked = await requests.read(kind, request.body)
          const timeoutMs = timeoutOf(request)
          const deadlineAtMs = timeoutMs === undefined ? undefined : observe.of(request).arrivedAtMs + timeoutMs
          const task = { ...toTask(asked, model, Math.floor(random() * 2 ** 32)), deadlineAtMs }
          const id = `${kind === 'chat' ? 'chatcmpl' : 'cmpl'}-${randomId().replaceAll('-', '')}`
          const facts = {
            id,
            created: Math.floor(nowMs() / 1000),
            model: name,
            fingerprint: `hither-${model.revision}`,
            returnTokenIds: asked.returnTokenIds,
            includeUsage: asked.includeUsage,
          }
          const parts: Answering = {
            id,
            form: kind === 'chat' ? createChatForm(facts) : createCompletionForm(facts),
            watch: watchWriting(observe, request, await engine.find(name)),
            hungUp,
            client: access.tokenOf(request)?.client,
          }
          if (!asked.stream) return answerWhole(asked, task, parts, reply)
          return sendEvents(request, reply, await streamOf(asked, task, parts))
        }
      app.post<OpenAiBody>('/v1/chat/completions', front.ofModel, answer('chat'))
      app.post<OpenAiBody>('/v1/completions', front.ofModel, answer('completion'))
      addStreamRoute(app, { context, front, kept })
    },
  }
}

/** What an answer is told with. */
interface Answering {
  readonly id: string
  readonly form: AnswerForm
  readonly watch: WritingWatch
  readonly hungUp: AbortSignal
  /** Subject of the request's token. */
  readonly client: string | undefined
}
