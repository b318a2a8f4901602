import { createServiceTimes, type ServiceTimes } from '../../engine/service-times.ts'

/** What was learned of a model's answers: milliseconds that its own runs take, and how long its answers become. */
export interface WritingHistory {
  /** For a token of a prompt that was not known. */
  readonly read: ServiceTimes
  /** For a token of an answer. */
  readonly write: ServiceTimes
  /** Tokens of an answer. */
  readonly length: ServiceTimes
  /** From an answer's start to its end, on the clock. */
  readonly answer: ServiceTimes
}

export const createWritingHistory = (): WritingHistory => ({
  read: createServiceTimes(),
  write: createServiceTimes(),
  length: createServiceTimes(),
  answer: createServiceTimes(),
})

/**
 * When the first token of one more answer would come, in milliseconds: its prompt is read and its first token written
 * while the others of its model take turns with it. What was not seen yet counts nothing, so that it will be.
 *
 * @param active answers of its model that are being written
 * @param waiting requests of its model that come before it and for which there is no room yet
 * @param atATime answers of its model that may be written at a time
 */
export function predictFirstTokenMs(
  { read, write, answer }: WritingHistory,
  {
    promptTokens,
    active,
    waiting,
    atATime,
  }: {
    readonly promptTokens: number
    readonly active: number
    readonly waiting: number
    readonly atATime: number
  },
): number {
  const own = promptTokens * (read.meanMs ?? 0) + (write.meanMs ?? 0)
  // An answer ends, and makes room, so often.
  const wait = active < atATime && waiting === 0 ? 0 : ((waiting + 1) * (answer.meanMs ?? 0)) / Math.max(1, active)
  return wait + own * (1 + Math.min(active, atATime - 1))
}
