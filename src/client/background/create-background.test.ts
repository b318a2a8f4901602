import { expect, test } from 'vitest'
import { createBackground } from './create-background.ts'

/** A worker that never answers, and what has become of it. */
function startSilentWorkers() {
  const workers: { ended: boolean }[] = []
  const start = () => {
    const worker = {
      ended: false,
      postMessage: () => {},
      addEventListener: () => {},
      removeEventListener: () => {},
      terminate() {
        worker.ended = true
      },
    }
    workers.push(worker)
    return worker as unknown as Worker
  }
  return { workers, start }
}

test('once it is terminated, no late call starts a worker that nobody would end', async () => {
  const { workers, start } = startSilentWorkers()
  const background = createBackground(start, { catalogUrl: 'https://example.com/catalog.json' } as never)
  const closed = new Error('closed')
  const pending = background.models()
  background.terminate(closed)
  await expect(pending).rejects.toBe(closed)
  await expect(background.writeRecord('device', {})).rejects.toBe(closed)
  await expect(background.manifest('digits')).rejects.toBe(closed)
  expect(workers).toEqual([expect.objectContaining({ ended: true })])
})
