// The edge worker with a fault on call: a message `{ fault: 'throw' }` makes it throw where nothing catches it, and
// `{ fault: 'reject' }` leaves a rejection unhandled.
import '../edge/worker/edge.worker.ts'

globalThis.addEventListener('message', ({ data }: MessageEvent<{ fault?: string } | undefined>) => {
  if (data?.fault === 'throw') {
    setTimeout(() => {
      throw new Error('a fault of the test')
    })
  }
  if (data?.fault === 'reject') void Promise.reject(new Error('a fault of the test'))
})
