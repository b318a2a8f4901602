import { rm, writeFile } from 'node:fs/promises'

/** A run that is given this number first waits until it is let go. */
export const heldNumber = -273

/** Runs of thread scripts that take as long as a test wants. */
export interface HeldRuns {
  /** The thread script: as the given one, but for the runs that it holds. */
  readonly url: URL
  /** Lets all of them go on, those that come later included. */
  letGo(): Promise<void>
}

/**
 * Holds runs in a thread, whose event loop stands still meanwhile as in any long run. A model that only takes long ends
 * too early for a test on a busy machine.
 *
 * @param script a compiled thread script; the one that holds lies beside it, and must be removed with it
 */
export async function holdRuns(script: URL): Promise<HeldRuns> {
  const name = crypto.randomUUID()
  const url = new URL(`./holding-${name}.mjs`, script)
  const gate = new URL(`./held-${name}`, script)
  await writeFile(gate, '')
  await writeFile(
    url,
    `import { existsSync } from 'node:fs'
import { InferenceSession } from 'onnxruntime-node'
const gate = new URL(${JSON.stringify(gate.href)})
const cell = new Int32Array(new SharedArrayBuffer(4))
const { run } = InferenceSession.prototype
InferenceSession.prototype.run = function (feeds, ...others) {
  const isHeld = Object.values(feeds).some(({ data }) => Number(data[0]) === ${heldNumber})
  while (isHeld && existsSync(gate)) Atomics.wait(cell, 0, 0, 5)
  return run.call(this, feeds, ...others)
}
await import(${JSON.stringify(script.href)})
`,
  )
  return { url, letGo: () => rm(gate, { force: true }) }
}
