import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { afterEach, expect, test, vi } from 'vitest'
import { isHitherError } from '../../errors/hither-error.ts'
import { ModelError } from '../../errors/model-error.ts'
import { eventually } from '../../testing/until.ts'
import { errorCodec } from './error-codec.ts'
import { handOver } from './hand-over.ts'
import { type LinkOptions, openLink } from './open-link.ts'

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

/** Methods that try what messages can carry. */
interface Tried {
  double(numbers: Float32Array): Promise<Float32Array>
  fail(): Promise<never>
  wait(options: { readonly signal?: AbortSignal | undefined }): Promise<string>
  count(upTo: number, options: { readonly onCount: (count: number) => void }): Promise<void>
  keep(work: () => number): Promise<void>
  drop(): void
  echo(...args: unknown[]): unknown
  openCounter(): Promise<{ next(): Promise<number> }>
}

/** The served side: what it has seen of its calls. */
function serveTried() {
  const seen: { signal?: AbortSignal | undefined; work?: (() => number) | undefined; finish?: () => void } = {}
  const methods: Tried = {
    async double(numbers) {
      const doubled = numbers.map((value) => 2 * value)
      return handOver(doubled, [doubled.buffer])
    },
    async fail() {
      throw new ModelError('model-load-failed', 'It should.', { context: { backend: 'wasm' } })
    },
    wait({ signal }) {
      seen.signal = signal
      return new Promise((resolve, reject) => {
        seen.finish = () => resolve('finished')
        signal?.addEventListener('abort', () => reject(signal.reason))
      })
    },
    async count(upTo, { onCount }) {
      setTimeout(() => {
        for (let count = 1; count <= upTo; count += 1) onCount(count)
      })
    },
    async keep(work) {
      seen.work = work
    },
    drop() {
      seen.work = undefined
    },
    echo: (...args) => args[0],
    async openCounter() {
      let count = 0
      return { next: async () => ++count }
    },
  }
  return { methods, seen }
}

const ports: MessagePort[] = []
const errors = errorCodec
function open(caller: Partial<LinkOptions> = {}) {
  const { port1, port2 } = new MessageChannel()
  ports.push(port1, port2)
  const posted: unknown[] = []
  const post = port1.postMessage.bind(port1)
  port1.postMessage = (message: unknown, transfer: unknown) => {
    post(message, transfer as Transferable[])
    posted.push(message)
  }
  const { methods, seen } = serveTried()
  const served = caller.lane !== undefined && 'calls' in caller.lane ? { lane: { serves: caller.lane.calls } } : {}
  const far = openLink(port2 as never, { methods, errors, ...served })
  const link = openLink<Tried>(port1 as never, { errors, ...caller })
  return { link, far, seen, posted, port1, port2, methods: link.methods }
}
afterEach(() => {
  for (const port of ports.splice(0)) port.close()
})
/** Says no more than that: a failed expectation would hold on to the function. */
const isCollected = (reference: WeakRef<object>) => {
  collectGarbage()
  return reference.deref() === undefined
}
const errorOf = (promise: Promise<unknown>) =>
  promise.then(
    () => undefined,
    (error: unknown) => error,
  )

const ways = [
  ['comlink', {}],
  ['a lane', { lane: { calls: ['double', 'fail'] } }],
] as const

test.each(ways)('over %s numbers are copied, or handed over where that is said', async (_, options) => {
  const { methods } = open(options)
  const numbers = Float32Array.of(1, 2, 3)
  expect([...(await methods.double(numbers))]).toEqual([2, 4, 6])
  expect(numbers.length).toBe(3)
  expect([...(await methods.double(handOver(numbers, [numbers.buffer])))]).toEqual([2, 4, 6])
  expect(numbers.length).toBe(0)
})

test.each(ways)(
  'over %s each of many calls gets its own answer, and an error keeps its class, code and context',
  async (_, options) => {
    const { methods } = open(options)
    const failure = errorOf(methods.fail())
    const answers = await Promise.all(Array.from({ length: 50 }, (_, value) => methods.double(Float32Array.of(value))))
    expect(answers.map(([first]) => first)).toEqual(Array.from({ length: 50 }, (_, value) => 2 * value))
    expect(await failure).toBeInstanceOf(ModelError)
    expect(await failure).toMatchObject({ code: 'model-load-failed', context: { backend: 'wasm' } })
  },
)

test('both sides call', async () => {
  const { port1, port2 } = new MessageChannel()
  ports.push(port1, port2)
  const named = (name: string) => ({ name: () => name })
  const one = openLink<ReturnType<typeof named>>(port1 as never, { methods: named('one'), errors })
  const two = openLink<ReturnType<typeof named>>(port2 as never, { methods: named('two'), errors })
  expect(await Promise.all([one.methods.name(), two.methods.name()])).toEqual(['two', 'one'])
})

test('an abort rejects at once with its own reason and aborts the signal of the other side', async () => {
  const { methods, seen, posted } = open()
  const controller = new AbortController()
  const waiting = methods.wait({ signal: controller.signal })
  await eventually(() => expect(seen.signal).toBeDefined())
  expect([seen.signal?.aborted, posted.length]).toEqual([false, 1])
  const reason = { enough: true }
  controller.abort(reason)
  expect(await errorOf(waiting)).toBe(reason)
  await eventually(() => expect(seen.signal?.aborted).toBe(true))
  expect(posted).toHaveLength(2)
})

test('a call with a signal that has aborted before is not sent', async () => {
  const { methods, posted } = open()
  expect(await errorOf(methods.wait({ signal: AbortSignal.abort('before') }))).toBe('before')
  expect(posted).toEqual([])
})

test('a signal is let go once its call has settled', async () => {
  const { methods, seen, posted } = open()
  const { signal, ...controller } = { signal: new AbortController().signal }
  const removed = vi.spyOn(signal, 'removeEventListener')
  const waiting = methods.wait({ signal })
  await eventually(() => expect(seen.finish).toBeDefined())
  seen.finish?.()
  expect(await waiting).toBe('finished')
  expect(removed).toHaveBeenCalledTimes(1)
  expect([posted.length, Object.keys(controller)]).toEqual([1, []])
})

test('where the caller waits for what it has aborted, the call settles with the answer', async () => {
  const { methods, seen } = open({ waitsForAborted: true })
  const controller = new AbortController()
  const settled: unknown[] = []
  const waiting = errorOf(methods.wait({ signal: controller.signal })).then((error) => settled.push(error))
  await eventually(() => expect(seen.signal).toBeDefined())
  controller.abort('enough')
  expect(settled).toEqual([])
  await waiting
  expect(settled).toEqual(['enough'])
  expect(seen.signal?.aborted).toBe(true)
})

test('a function goes along, and can be called after the answer', async () => {
  const { methods } = open()
  const heard: number[] = []
  await methods.count(3, { onCount: (count) => void heard.push(count) })
  expect(heard).toEqual([])
  await eventually(() => expect(heard).toEqual([1, 2, 3]))
})

test('a function is kept as long as the other side holds it, and released when it does not', async () => {
  const { methods, seen } = open()
  // In functions of their own, so that this one's frame holds neither side's function.
  const keep = async () => {
    const work = () => 7
    await methods.keep(work)
    return new WeakRef(work)
  }
  const callKept = async () => seen.work?.()
  const reference = await keep()
  for (let turn = 0; turn < 5; turn += 1) {
    collectGarbage()
    await new Promise((resolve) => setTimeout(resolve))
  }
  expect(await callKept()).toBe(7)
  await methods.drop()
  await eventually(() => expect(isCollected(reference)).toBe(true))
})

test('an answer may hold functions: something that lives at the other side', async () => {
  const { methods, link } = open()
  const counter = await methods.openCounter()
  expect([await counter.next(), await counter.next()]).toEqual([1, 2])
  const other = await methods.openCounter()
  expect(await other.next()).toBe(1)
  link.close(new Error('over'))
  await expect(counter.next()).rejects.toThrow('over')
})

test('closing rejects what waits with its reason, and aborts what the other side has asked for', async () => {
  const { link, far, methods, seen } = open()
  const waiting = errorOf(methods.wait({ signal: new AbortController().signal }))
  const reason = new Error('the link is over')
  await eventually(() => expect(seen.signal).toBeDefined())
  link.close(reason)
  expect(await waiting).toBe(reason)
  expect(await errorOf(methods.fail())).toBe(reason)
  // The other side hears of the port's end.
  await eventually(() => expect(far.alive).toBe(false))
  expect(seen.signal?.aborted).toBe(true)
})

test('when the other side closes its port, what waits is rejected with a typed error', async () => {
  const { far, methods } = open()
  const waiting = errorOf(methods.wait({}))
  far.close(new Error('its own business'))
  expect(await waiting).toMatchObject({ name: 'CapabilityError', code: 'worker-unavailable' })
})

test('an argument that can’t be sent fails its own call and no other, and leaves nothing behind', async () => {
  const { methods, posted } = open()
  const waiting = methods.double(Float32Array.of(4))
  const fail = async () => {
    const work = () => 1
    return [new WeakRef(work), await errorOf(methods.echo({ deep: { work: () => {} } }, work))] as const
  }
  const [reference, error] = await fail()
  expect(isHitherError(error) && error.code).toBe('input-type')
  expect([...(await waiting)]).toEqual([8])
  expect(posted).toHaveLength(1)
  await eventually(() => expect(isCollected(reference)).toBe(true))
})

test('an answer that can’t be sent rejects its call with a typed error', async () => {
  const { port1, port2 } = new MessageChannel()
  ports.push(port1, port2)
  openLink(port2 as never, { methods: { odd: () => ({ deep: { work: () => {} } }) }, errors })
  const { methods } = openLink<{ odd(): unknown }>(port1 as never, { errors })
  expect(await errorOf(methods.odd())).toMatchObject({ code: 'worker-unavailable' })
})

test('a message that could not be read rejects what waits, at both sides', async () => {
  const { methods, far, port1, port2 } = open({ methods: { never: () => new Promise(() => {}) } })
  const [here, there] = [errorOf(methods.wait({})), errorOf((far.methods as { never(): Promise<never> }).never())]
  port2.dispatchEvent(new Event('messageerror'))
  expect(await here).toMatchObject({ code: 'worker-unavailable' })
  expect(await there).toMatchObject({ code: 'worker-unavailable' })
  const again = errorOf(methods.wait({}))
  port1.dispatchEvent(new Event('messageerror'))
  expect(await again).toMatchObject({ code: 'worker-unavailable' })
  expect([...(await methods.double(Float32Array.of(4)))]).toEqual([8])
})

test('two channels of one name are a link: tabs', async () => {
  const name = `test-${Math.random()}`
  const [one, two] = [new BroadcastChannel(name), new BroadcastChannel(name)]
  const { methods: served, seen } = serveTried()
  const far = openLink(two as never, { methods: served, errors })
  const link = openLink<Tried>(one as never, { errors })
  const numbers = Float32Array.of(1)
  expect([...(await link.methods.double(handOver(numbers, [numbers.buffer])))]).toEqual([2])
  expect(numbers.length).toBe(1)
  const heard: number[] = []
  await link.methods.count(2, { onCount: (count) => void heard.push(count) })
  await eventually(() => expect(heard).toEqual([1, 2]))
  const controller = new AbortController()
  const waiting = errorOf(link.methods.wait({ signal: controller.signal }))
  await eventually(() => expect(seen.signal).toBeDefined())
  controller.abort('enough')
  expect(await waiting).toBe('enough')
  await eventually(() => expect(seen.signal?.aborted).toBe(true))
  link.close(new Error('over'))
  far.close(new Error('over'))
})
