import { availableParallelism } from 'node:os'
import type { FastifyBaseLogger } from 'fastify'
import type { InferEngine } from '../engine/infer-engine.ts'
import { isReady } from '../model-folder/find-model.ts'
import type { ModelFolder } from '../model-folder/model-folder.ts'
import type { OpenAiPart } from '../openai/openai-plugin.ts'
import { scriptBeside } from '../threads/side-thread.ts'
import { createWritingPart } from './api/writing-part.ts'
import { createModelThreads } from './pool/model-threads.ts'
import { createWritingPool } from './pool/writing-pool.ts'
import { writes } from './pool/writing-task.ts'

/** The language models of a folder, at work. */
export interface Writing {
  readonly part: OpenAiPart
  readonly stuckThreads: number
  /** Takes no more requests, waits for the answers that are being written, and ends the threads. Idempotent. */
  close(): Promise<void>
}

/**
 * Bytes that keys and values of texts may take: half of them afterwards; while they are written three eighths, and an
 * eighth for what is left empty where texts of several lengths are read in one run.
 */
export const usualTextCacheBytes = 2 ** 30
/** Requests of one model that may wait, for each of the threads that run models. */
const queueOfThread = 64
const maxWaitMs = 30_000
/** Opening a model of several gigabytes takes a while. */
const openMs = 300_000

/** Sees to the language models of a folder. Their threads start with their first answers. */
export function openWriting(
  options: {
    readonly workers?: number | undefined
    readonly maxQueue?: number | undefined
    readonly runLimitMs?: number | undefined
    readonly textCacheBytes?: number | undefined
    readonly writingWorkerUrl?: URL | undefined
  },
  engine: InferEngine,
  folder: ModelFolder,
  log: FastifyBaseLogger,
): Writing {
  const { workers = Math.max(1, availableParallelism() - 1), runLimitMs = 30_000 } = options
  const { textCacheBytes = usualTextCacheBytes, maxQueue = queueOfThread * workers } = options
  const [half, eighth] = [textCacheBytes / 2, textCacheBytes / 8]
  const writers = () => Math.max(1, folder.models.records.filter(isReady).filter(writes).length)
  const threads = createModelThreads({
    script: options.writingWorkerUrl ?? scriptBeside('thread/writing-worker', import.meta.url),
    runThreads: workers,
    rememberBytes: () => half / writers(),
    emptyBytes: () => eighth / writers(),
    silenceMs: runLimitMs,
    openMs,
    onFault: (error, model) => log.error({ err: error, model }, 'A thread that writes failed.'),
  })
  const pool = createWritingPool({ threads, cacheBytes: half - eighth, maxQueue, maxWaitMs })
  folder.onGone((records) => {
    for (const record of records) if (isReady(record) && writes(record)) pool.forget(record)
  })
  return {
    part: createWritingPart({ engine, folder, pool }),
    get stuckThreads() {
      return pool.stuckThreads
    },
    close: () => pool.close(),
  }
}
