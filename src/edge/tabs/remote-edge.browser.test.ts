import { expect, onTestFinished, test } from 'vitest'
import type { Manifest } from '../../contracts/manifest.ts'
import { describeBackend } from '../../testing/describe-backend.ts'
import { createFakeEdge } from '../../testing/fake-edge.ts'
import { fakeManifest } from '../../testing/fake-manifest.ts'
import type { EdgeEngine } from '../edge-types.ts'
import { openRemoteEdge } from './remote-edge.ts'
import { serveEdge } from './serve-edge.ts'

/** An engine of one tab, as another tab has it. */
async function openRemote(edge: EdgeEngine, readGraph: (manifest: Manifest) => Uint8Array<ArrayBuffer> | undefined) {
  const name = `test-remote-edge-${crypto.randomUUID()}`
  const lifeLock = `${name}/life`
  await new Promise<void>((resolve) => {
    void navigator.locks.request(lifeLock, () => {
      resolve()
      return new Promise(() => {})
    })
  })
  const service = serveEdge({ edge, channelName: name, lifeLock, locks: navigator.locks, onEnd: () => {} })
  const remote = openRemoteEdge({
    channelName: name,
    events: {},
    readFiles: async (manifest) => ({ graph: readGraph(manifest) ?? new Uint8Array() }),
    onSilence: () => {},
  })
  return {
    ...remote,
    close() {
      remote.close()
      service.close(new Error('the test has ended'))
      edge.close()
    },
  }
}

describeBackend('the engine of another tab', {
  countsWaiting: false,
  loadsForRun: true,
  handsOver: false,
  open(known) {
    const edge = createFakeEdge({ computeOf: (manifest) => known(manifest.name)?.compute, runMs: 0 })
    return openRemote(edge, ({ name }) => known(name)?.graph.slice())
  },
})

test('what waited at the tab that leads no longer waits once it is answered', async () => {
  const manifest = await fakeManifest({}, { name: 'busy' })
  let waiting = 2
  const remote = await openRemote(
    { ...createFakeEdge({ computeOf: () => undefined }), waiting: () => waiting },
    () => undefined,
  )
  onTestFinished(() => remote.close())
  await remote.ready(manifest)
  expect(remote.waiting(manifest)).toBe(2)
  waiting = 0
  await expect.poll(() => remote.waiting(manifest)).toBe(0)
})
