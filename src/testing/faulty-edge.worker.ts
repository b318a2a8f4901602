// The edge worker with a fault on call. A message `{ fault }` does this:
// `throw` throws where nothing catches it; `reject` leaves a rejection unhandled;
// `trap` makes the next run trap in WebAssembly; `wrong` makes every answer zero;
// `hold` has every run wait until a message `release`, `hold-runtime` the runtime once its file is here.
import '../edge/worker/edge.worker.ts'

/** `(module (func unreachable) (start 0))` */
const trapping = Uint8Array.of(
  ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 1, 4, 1, 0x60, 0, 0, 3, 2, 1, 0, 8, 1, 0, 10, 5, 1, 3, 0, 0, 11],
)

/** Changes what comes of each run of the runtime that the worker uses. */
async function changeRuns(change: (run: () => Promise<Outputs>) => Promise<Outputs>): Promise<void> {
  const { InferenceSession } = await import('onnxruntime-web/wasm')
  const session = (InferenceSession as unknown as { prototype: { run(...given: unknown[]): Promise<Outputs> } })
    .prototype
  const { run } = session
  session.run = function (...given) {
    return change(() => run.apply(this, given))
  }
}
const untilReleased = () =>
  new Promise<void>((resolve) => {
    globalThis.addEventListener('message', ({ data }: MessageEvent<{ fault?: string } | undefined>) => {
      if (data?.fault === 'release') resolve()
    })
  })
type Outputs = Record<string, { readonly data: Float32Array }>

globalThis.addEventListener('message', ({ data }: MessageEvent<{ fault?: string } | undefined>) => {
  if (data?.fault === 'throw') {
    setTimeout(() => {
      throw new Error('a fault of the test')
    })
  }
  if (data?.fault === 'reject') void Promise.reject(new Error('a fault of the test'))
  if (data?.fault === 'trap') {
    void changeRuns(async () => {
      new WebAssembly.Instance(new WebAssembly.Module(trapping))
      return {}
    }).then(() => postMessage('faulty'))
  }
  if (data?.fault === 'hold-runtime') {
    const released = untilReleased()
    const { instantiate, instantiateStreaming } = WebAssembly
    const held = async <T>(compiled: Promise<T>) => {
      const result = await compiled
      await released
      return result
    }
    Object.assign(WebAssembly, {
      instantiate: (...given: Parameters<typeof instantiate>) => held(instantiate(...given)),
      instantiateStreaming: (...given: Parameters<typeof instantiateStreaming>) => held(instantiateStreaming(...given)),
    })
  }
  if (data?.fault === 'hold') {
    const released = untilReleased()
    void changeRuns(async (run) => {
      await released
      return run()
    }).then(() => postMessage('faulty'))
  }
  if (data?.fault === 'wrong') {
    void changeRuns(async (run) => {
      const outputs = await run()
      for (const { data: values } of Object.values(outputs)) values.fill(0)
      return outputs
    })
  }
})
