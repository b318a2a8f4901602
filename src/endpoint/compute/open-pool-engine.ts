import { availableParallelism } from 'node:os'
import type { FastifyBaseLogger } from 'fastify'
import { ConfigError } from '../../errors/config-error.ts'
import type { InferEngine } from '../engine/infer-engine.ts'
import { isReady } from '../model-folder/find-model.ts'
import { isElsewhere } from '../model-folder/load-models.ts'
import type { ModelFolder } from '../model-folder/model-folder.ts'
import { createInferPool } from './infer-pool.ts'
import { createPoolEngine, createPoolModels } from './pool-engine.ts'

/** Memory that requests may hold while they wait for a thread. */
const maxQueueBytes = 256 * 1024 * 1024

/** Milliseconds that a request waits for a thread at most. */
const maxWaitMs = 30_000

/**
 * Starts the threads that run the models of a folder.
 *
 * @throws {ConfigError} no folder, or no number of workers
 * @throws {CapabilityError} `worker-unavailable`: the threads can't start
 */
export async function openPoolEngine(
  options: {
    readonly workers?: number
    readonly runLimitMs?: number
    readonly maxQueue?: number
    readonly workerUrl?: URL
  },
  folder: ModelFolder | undefined,
  log: FastifyBaseLogger,
): Promise<InferEngine> {
  const { workers = Math.max(1, availableParallelism() - 1), runLimitMs = 30_000 } = options
  const { maxQueue = 64 * workers } = options
  if (!Number.isInteger(workers) || workers < 1) {
    throw new ConfigError('config-invalid', 'The number of workers must be a whole number from 1 on.')
  }
  if (folder === undefined) {
    throw new ConfigError('config-invalid', 'There is neither a folder of models nor an engine that has them.')
  }
  logRefused(folder, log)
  const pool = createInferPool({
    workers,
    workerUrl: options.workerUrl ?? new URL('./infer-worker.js', import.meta.url),
    runLimitMs,
    maxQueue,
    maxQueueBytes,
    maxWaitMs,
    onFault: (error, model) => log.error({ err: error, model }, 'A run failed.'),
  })
  try {
    await pool.started
  } catch (error) {
    await pool.close()
    throw error
  }
  const poolModel = createPoolModels()
  folder.onGone((records) => {
    for (const record of records) if (isReady(record)) pool.forget(poolModel(record).key)
  })
  return createPoolEngine({ folder, pool, workers, poolModel })
}

function logRefused({ models: { records } }: ModelFolder, log: FastifyBaseLogger): void {
  const elsewhere = records.filter(isElsewhere).map(({ name }) => name)
  for (const record of records) {
    if (record.state.status === 'refused' && !isElsewhere(record)) log.warn(record.state.reason)
  }
  // Whoever made the catalogue meant it so: no warning.
  if (elsewhere.length > 0) log.info(`Not run here, as their files lie elsewhere: ${elsewhere.join(', ')}.`)
}
