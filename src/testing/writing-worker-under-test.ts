import { appendFileSync, existsSync } from 'node:fs'
import { InferenceSession } from 'onnxruntime-node'

/**
 * The script of a thread that writes, whose runs a test counts, holds and lets die, by files in the folder that
 * `HITHER_WRITING_TEST` names: each run adds a character to `runs`, waits while there is a `hold`, and ends the thread
 * where there is a `die`.
 */
const folder = process.env.HITHER_WRITING_TEST ?? ''
const cell = new Int32Array(new SharedArrayBuffer(4))
/** The class behind the factory that the types know. */
const { prototype } = InferenceSession as unknown as { readonly prototype: Pick<InferenceSession, 'run'> }
const { run } = prototype
prototype.run = function (this: InferenceSession, ...args: unknown[]) {
  appendFileSync(`${folder}/runs`, '.')
  while (existsSync(`${folder}/hold`)) Atomics.wait(cell, 0, 0, 5)
  if (existsSync(`${folder}/die`)) process.exit(3)
  return (run as (...all: unknown[]) => ReturnType<typeof run>).apply(this, args)
}

await import('../endpoint/writing/thread/writing-worker.ts')
