import { afterEach, expect, test } from 'vitest'
import { ModelError } from '../../errors/model-error.ts'
import { eventually } from '../../testing/until.ts'
import { errorCodec as errors } from './error-codec.ts'
import { handOver } from './hand-over.ts'
import { type LinkOptions, openLink } from './open-link.ts'

interface Tried {
  double(numbers: Float32Array): Promise<Float32Array>
  fail(): Promise<never>
  wait(name: string, signal?: AbortSignal): Promise<string>
  odd(): unknown
  slow(): Promise<string>
  echo(...args: unknown[]): unknown
}

const lane = ['double', 'fail', 'wait', 'odd'] as const
const ports: MessagePort[] = []
afterEach(() => {
  for (const port of ports.splice(0)) port.close()
})

function open(caller: Partial<LinkOptions> = {}) {
  const { port1, port2 } = new MessageChannel()
  ports.push(port1, port2)
  const posted: object[] = []
  const post = port1.postMessage.bind(port1)
  port1.postMessage = (message: object, transfer: unknown) => {
    post(message, transfer as Transferable[])
    posted.push(message)
  }
  const signals: AbortSignal[] = []
  const methods: Tried = {
    async double(numbers) {
      const doubled = numbers.map((value) => 2 * value)
      return handOver(doubled, [doubled.buffer])
    },
    async fail() {
      throw new ModelError('model-load-failed', 'It should.', { context: { backend: 'wasm' } })
    },
    wait(name, signal) {
      if (signal === undefined) return Promise.resolve(name)
      signals.push(signal)
      return new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('the far one'))))
    },
    odd: () => ({ work: () => {} }),
    slow: async () => 'by comlink',
    echo: (...args) => args[0],
  }
  const far = openLink(port2 as never, { methods, errors, lane: { serves: lane } })
  const link = openLink<Tried>(port1 as never, { errors, lane: { calls: lane }, ...caller })
  return { link, far, methods: link.methods, posted, signals, port1, port2 }
}
const errorOf = (promise: Promise<unknown>) =>
  promise.then(
    () => undefined,
    (error: unknown) => error,
  )
const isOfLane = (message: object) => 'lane' in message

test('the methods of the lane go by plain messages, all others by comlink', async () => {
  const { methods, posted } = open()
  expect(await methods.wait('an argument')).toBe('an argument')
  expect(await methods.slow()).toBe('by comlink')
  expect(posted.map(isOfLane)).toEqual([true, false])
})

test('an abort rejects at once with its own reason and aborts the signal of the other side', async () => {
  const { methods, signals, posted } = open()
  const [one, two] = [new AbortController(), new AbortController()]
  const first = errorOf(methods.wait('one', one.signal))
  const second = errorOf(methods.wait('two', two.signal))
  await eventually(() => expect(signals).toHaveLength(2))
  const reason = { enough: true }
  two.abort(reason)
  expect(await second).toBe(reason)
  await eventually(() => expect(signals.map(({ aborted }) => aborted)).toEqual([false, true]))
  one.abort(reason)
  await first
  expect(posted).toHaveLength(4)
})

test('a call with a signal that has aborted before is not sent', async () => {
  const { methods, posted } = open()
  expect(await errorOf(methods.wait('late', AbortSignal.abort('before')))).toBe('before')
  expect(posted).toEqual([])
})

test('a signal is let go once its call has settled', async () => {
  const { methods, posted } = open({ lane: { calls: ['double', 'echo'] } })
  const controller = new AbortController()
  // The other side does not serve it on the lane, so the call fails.
  expect(await errorOf(methods.echo(controller.signal))).toMatchObject({ code: 'options-invalid' })
  controller.abort()
  expect(posted).toHaveLength(1)
})

test('where the caller waits for what it has aborted, the call settles with the answer', async () => {
  const { methods, signals } = open({ waitsForAborted: true })
  const controller = new AbortController()
  const waiting = errorOf(methods.wait('here', controller.signal)).then((error) => [error, signals[0]?.aborted])
  await eventually(() => expect(signals).toHaveLength(1))
  controller.abort('enough')
  expect(await waiting).toEqual(['enough', true])
})

test('an argument or an answer that can’t be sent rejects its own call and no other', async () => {
  const { methods, posted } = open()
  const other = methods.wait('other')
  expect(await errorOf(methods.wait((() => {}) as never))).toMatchObject({ code: 'input-type' })
  expect(await errorOf(methods.odd() as Promise<unknown>)).toMatchObject({ code: 'worker-unavailable' })
  expect(await other).toBe('other')
  expect(posted).toHaveLength(2)
})

test('closing rejects what waits with its reason, aborts it at the other side, and sends nothing after', async () => {
  const { link, far, methods, signals, posted } = open()
  const controller = new AbortController()
  const waiting = errorOf(methods.wait('here', controller.signal))
  await eventually(() => expect(signals).toHaveLength(1))
  const reason = new Error('the link is over')
  link.close(reason)
  expect(await waiting).toBe(reason)
  expect(await errorOf(methods.fail())).toBe(reason)
  controller.abort()
  expect(posted).toHaveLength(1)
  await eventually(() => expect([far.alive, signals[0]?.aborted]).toEqual([false, true]))
})

test('a message that could not be read rejects what waits, whichever side it came to', async () => {
  const { methods, port1, port2 } = open()
  const waiting = () => errorOf(methods.wait('here', new AbortController().signal))
  const [here, there] = [waiting(), waiting()]
  port1.dispatchEvent(new Event('messageerror'))
  expect(await here).toMatchObject({ code: 'worker-unavailable' })
  expect(await there).toMatchObject({ code: 'worker-unavailable' })
  const again = waiting()
  port2.dispatchEvent(new Event('messageerror'))
  expect(await again).toMatchObject({ code: 'worker-unavailable' })
  expect([...(await methods.double(Float32Array.of(4)))]).toEqual([8])
})

test('nothing but what the lane serves can be reached over it, and messages that are none are ignored', async () => {
  const { port1, port2 } = new MessageChannel()
  ports.push(port1, port2)
  let runs = 0
  const methods = {
    run: () => {
      runs += 1
      return runs
    },
    other: () => 'not this one',
  }
  openLink(port2 as never, { methods, errors, lane: { serves: ['run', 'toString', 'none'] } })
  const answers = new Map<number, unknown>()
  port1.addEventListener('message', ({ data }) => answers.set(data.lane, data))
  port1.start()
  const refused = ['other', 'none', '__proto__', 'constructor', 'toString', undefined, 5]
  for (const [lane, method] of refused.entries()) port1.postMessage({ lane, method, args: [], signalAt: -1 })
  port1.postMessage({ lane: 50, method: 'run' })
  port1.postMessage({ lane: 51, method: 'run', args: [], signalAt: '__proto__' })
  for (const odd of [null, 7, 'text', { lane: '1' }, { lane: 99, abort: true }]) port1.postMessage(odd)
  port1.postMessage({ lane: 100, method: 'run', args: [], signalAt: -1 })
  await eventually(() => expect(answers.has(100)).toBe(true))
  expect(answers.get(100)).toEqual({ lane: 100, value: 1 })
  for (const lane of [...refused.keys(), 50, 51]) expect(answers.get(lane)).toMatchObject({ lane, error: {} })
})
