import { setImmediate } from 'node:timers/promises'
import { parentPort } from 'node:worker_threads'
import { Tensor } from 'onnxruntime-node'
import { toErrorData } from '../../../errors/error-data.ts'
import { createJointDecoder } from '../../../generation/decoder/joint/joint-decoder.ts'
import { openWriter, type Writer } from '../../../generation/writer/open-writer.ts'
import { writtenLogprobs } from '../../../generation/writer/written-logprobs.ts'
import { openSession } from '../../threads/open-session.ts'
import { createTurnTaking } from './take-turns.ts'
import { eventsAhead, type WritingModel, type WritingNews, type WritingOrder } from './writing-messages.ts'

/** An answer that is being written. */
interface Answer {
  readonly controller: AbortController
  /** Events that its reader has not taken. */
  ahead: number
  goOn: (() => void) | undefined
}

/** Messages that have come are read. */
const hear = () => setImmediate()
const tell = (news: WritingNews) => parentPort?.postMessage(news)

let opening: Promise<Writer> | undefined
/** May answers share their runs? */
let isJoint = () => false
const answers = new Map<number, Answer>()
const turnTaking = createTurnTaking(hear)

async function open({ shared, generation, files, cacheBytes, emptyBytes, runThreads }: WritingModel): Promise<Writer> {
  const session = await openSession(shared, runThreads)
  return openWriter({
    session,
    TensorClass: Tensor,
    generation,
    files,
    cacheBytes,
    pause: hear,
    logprobs: writtenLogprobs,
    makeDecoder(own, TensorClass) {
      const decoder = createJointDecoder(own, TensorClass, { emptyBytes, gather: hear })
      if (typeof decoder !== 'string') isJoint = () => decoder.isJoint
      return decoder
    },
  })
}

async function write({ id, request }: WritingOrder & { readonly kind: 'write' }): Promise<void> {
  const answer: Answer = { controller: new AbortController(), ahead: 0, goOn: undefined }
  answers.set(id, answer)
  const { signal } = answer.controller
  const turns = turnTaking.open()
  const pause = async (isToken = false) => {
    if (answer.ahead >= eventsAhead && !signal.aborted) {
      turns.leave()
      await new Promise<void>((resolve) => {
        answer.goOn = resolve
      })
    }
    // Who is gone does not wait for a turn.
    if (!signal.aborted) await turns.next(isToken && isJoint())
  }
  try {
    const writer = await opening
    if (writer === undefined) throw new TypeError('nothing was opened')
    await hear()
    signal.throwIfAborted()
    const end = await writer.write(
      request,
      (event) => {
        answer.ahead += 1
        tell({ kind: 'event', id, event, ms: turns.ms })
      },
      signal,
      pause,
    )
    tell({ kind: 'done', id, end, ms: turns.ms })
  } catch (error) {
    tell({ kind: 'failed', id, error: toErrorData(error) })
  } finally {
    turns.leave()
    answers.delete(id)
  }
}

function goOn(answer: Answer): void {
  answer.goOn?.()
  answer.goOn = undefined
}

parentPort?.on('message', (order: WritingOrder) => {
  if (order.kind === 'open') {
    opening = open(order.model)
    opening.then(
      () => tell({ kind: 'opened' }),
      (error: unknown) => tell({ kind: 'unopened', error: toErrorData(error) }),
    )
    return
  }
  if (order.kind === 'write') return void write(order)
  // Between two runs: messages are read only there.
  if (order.kind === 'end') return process.exit(0)
  const answer = answers.get(order.id)
  if (answer === undefined) return
  if (order.kind === 'abort') answer.controller.abort(new Error('its reader has gone'))
  else answer.ahead -= order.events
  goOn(answer)
})
