import { describeBackend } from '../../testing/describe-backend.ts'
import { createFakeEdge } from '../../testing/fake-edge.ts'
import { openRemoteEdge } from './remote-edge.ts'
import { serveEdge } from './serve-edge.ts'

describeBackend('the engine of another tab', {
  countsWaiting: false,
  loadsForRun: true,
  handsOver: false,
  async open(known) {
    const name = `test-remote-edge-${crypto.randomUUID()}`
    const lifeLock = `${name}/life`
    await new Promise<void>((resolve) => {
      void navigator.locks.request(lifeLock, () => {
        resolve()
        return new Promise(() => {})
      })
    })
    const edge = createFakeEdge({ computeOf: (manifest) => known(manifest.name)?.compute, runMs: 0 })
    const service = serveEdge({ edge, channelName: name, lifeLock, locks: navigator.locks, onEnd: () => {} })
    const remote = openRemoteEdge({
      channelName: name,
      events: {},
      readFiles: async ({ name }) => ({ graph: known(name)?.graph.slice() ?? new Uint8Array() }),
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
  },
})
