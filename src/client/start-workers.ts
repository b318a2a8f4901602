import { startApproved } from '../utils/trusted-scripts.ts'

// Bundlers find the workers by these very expressions: each becomes a file of its own, from this origin.

export const startEdgeWorker = (): Worker =>
  startApproved(
    () =>
      new Worker(new URL('../edge/worker/edge.worker.js', import.meta.url), { type: 'module', name: 'hither-edge' }),
  )

export const startBackgroundWorker = (): Worker =>
  startApproved(
    () =>
      new Worker(new URL('./background/worker/background.worker.js', import.meta.url), {
        type: 'module',
        name: 'hither-background',
      }),
  )
