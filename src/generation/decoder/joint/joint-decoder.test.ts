import { setImmediate } from 'node:timers/promises'
import { InferenceSession, Tensor } from 'onnxruntime-node'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { roundedWriter } from '../../../testing/rounded-writer.ts'
import { tinyWriter } from '../../../testing/tiny-writer.ts'
import { likeliest } from '../../sampling/candidates.ts'
import { createDecoder, type Decoder, type DecoderSession, type Step } from '../create-decoder.ts'
import { createJointDecoder, type JointDecoder } from './joint-decoder.ts'

let session: InferenceSession
beforeAll(async () => {
  session = await InferenceSession.create((await roundedWriter('rounded')).graph, { intraOpNumThreads: 1 })
})
afterAll(() => session.release())

type Run = InferenceSession['run']
/** The session, whose runs are seen and may be changed. */
const watched = (
  own: InferenceSession,
  run: (texts: number, inner: () => ReturnType<Run>) => ReturnType<Run>,
  see: (feeds: InferenceSession.FeedsType) => void,
) =>
  ({
    inputMetadata: own.inputMetadata,
    inputNames: own.inputNames,
    outputNames: own.outputNames,
    run: ((feeds: InferenceSession.FeedsType) => {
      see(feeds)
      return run(feeds.input_ids?.dims[0] ?? 0, () => own.run(feeds))
    }) as DecoderSession['run'],
  }) satisfies DecoderSession

/** @returns the decoder, and how many texts each of its runs has read */
function open(
  options: {
    readonly emptyBytes?: number
    readonly run?: (texts: number, inner: () => ReturnType<Run>) => ReturnType<Run>
    /** Told of each run before it begins. */
    readonly see?: (feeds: InferenceSession.FeedsType) => void
    readonly session?: InferenceSession
  } = {},
) {
  const { emptyBytes = 1e9, run = (_, inner) => inner(), see = () => {} } = options
  const sizes: number[] = []
  const seen = (texts: number, inner: () => ReturnType<Run>) => {
    sizes.push(texts)
    return run(texts, inner)
  }
  const own = watched(options.session ?? session, seen, see)
  const decoder = createJointDecoder(own, Tensor, { emptyBytes, gather: () => setImmediate() })
  if (typeof decoder === 'string') throw new Error(decoder)
  return { decoder, sizes }
}
const promptOf = (length: number, seed: number) => Array.from({ length }, (_, at) => (at * 7 + seed * 31) % 256)

/** A text that goes on with the likeliest token each time. */
function openText(decoder: Decoder, prompt: readonly number[]) {
  let last: Step | undefined
  const logits: Float32Array[] = []
  const ids: number[] = []
  const take = (step: Step, before?: Step) => {
    if (before !== undefined) decoder.release(before.keyValues)
    last = step
    logits.push(step.logits.slice())
    ids.push(likeliest(step.logits))
  }
  return {
    logits,
    ids,
    begin: async () => take(await decoder.read(prompt, decoder.start)),
    async next() {
      if (last === undefined) throw new Error('it was not begun')
      take(await decoder.read(ids.slice(-1), last.keyValues), last)
    },
    leave() {
      if (last !== undefined) decoder.settle?.(last.keyValues)
    },
    get keyValues() {
      if (last === undefined) throw new Error('it was not begun')
      return last.keyValues
    },
  }
}

/** What a text is where it is the only one. */
async function alone(prompt: readonly number[], tokens: number, own = session) {
  const decoder = createDecoder(own, Tensor)
  if (typeof decoder === 'string') throw new Error(decoder)
  const text = openText(decoder, prompt)
  await text.begin()
  for (let token = 1; token < tokens; token += 1) await text.next()
  return text
}

test('each text has its own numbers, bit by bit, whoever comes and goes beside it', async () => {
  const { decoder, sizes } = open()
  const plans = [
    { length: 3, from: 0, to: 90 },
    { length: 130, from: 0, to: 25 },
    { length: 61, from: 0, to: 90 },
    { length: 200, from: 12, to: 70 },
    { length: 20, from: 40, to: 60 },
  ].map((plan, seed) => ({ ...plan, prompt: promptOf(plan.length, seed) }))
  const texts = plans.map(({ prompt }) => openText(decoder, prompt))
  for (let at = 0; at < 90; at += 1) {
    await Promise.all(
      plans.map(async ({ from, to }, index) => {
        if (at === from) return texts[index]?.begin()
        // One does not go on for a while, and then again.
        if (at > from && at < to && !(index === 2 && at > 30 && at < 37)) await texts[index]?.next()
        if (at + 1 === to) texts[index]?.leave()
      }),
    )
  }
  expect(decoder.isJoint).toBe(true)
  for (const [index, { prompt }] of plans.entries()) {
    const text = texts[index]
    const expected = await alone(prompt, text?.ids.length ?? 0)
    expect(text?.ids).toEqual(expected.ids)
    expect(text?.logits).toEqual(expected.logits)
  }
  const together = sizes.filter((texts) => texts > 1)
  expect(Math.max(...together)).toBe(4)
  expect(together.filter((texts) => texts === 4).length).toBeGreaterThan(20)
  // 276 tokens are written.
  expect(together.length).toBeLessThan(100)
})

test('who goes on from the same tokens has a text of its own', async () => {
  const { decoder, sizes } = open()
  const prompt = promptOf(70, 1)
  const { keyValues } = await decoder.read(prompt, decoder.start)
  const ways = [5, 6, 5]
  const steps = await Promise.all(ways.map((id) => decoder.read([id], keyValues)))
  const more = await Promise.all(steps.map((step) => decoder.read([9], step.keyValues)))
  expect(sizes.filter((texts) => texts > 1)).toEqual([3, 3])
  for (const [index, id] of ways.entries()) {
    const single = createDecoder(session, Tensor) as Decoder
    const { keyValues: before } = await single.read(prompt, single.start)
    const step = await single.read([id], before)
    expect(steps[index]?.logits).toEqual(step.logits)
    expect(more[index]?.logits).toEqual((await single.read([9], step.keyValues)).logits)
  }
})

test('who goes on later from what another one has gone on from changes nothing for that one', async () => {
  const { decoder } = open()
  const { keyValues } = await decoder.read(promptOf(70, 1), decoder.start)
  const other = await decoder.read(promptOf(80, 2), decoder.start)
  const pair = (id: number, before = keyValues) =>
    Promise.all([decoder.read([id], before), decoder.read([1], other.keyValues)])
  const [first] = await pair(5)
  await pair(6)
  const [next] = await pair(9, first.keyValues)
  const single = createDecoder(session, Tensor) as Decoder
  const { keyValues: before } = await single.read(promptOf(70, 1), single.start)
  const step = await single.read([5], before)
  expect(next.logits).toEqual((await single.read([9], step.keyValues)).logits)
})

test('a text that is read alone again has no more places than it needs', async () => {
  let places = 0
  const { decoder } = open({
    see: (feeds) => {
      places = feeds['past_key_values.0.value']?.dims[2] ?? 0
    },
  })
  const texts = [10, 200, 220].map((length, seed) => openText(decoder, promptOf(length, seed)))
  for (const text of texts) await text.begin()
  for (let token = 0; token < 3; token += 1) await Promise.all(texts.map((text) => text.next()))
  expect(places).toBe(256)
  await texts[0]?.next()
  expect(places).toBe(64)
})

test('a text that has ended takes no more than its own places, and can be gone on with', async () => {
  const { decoder } = open()
  const texts = [promptOf(10, 1), promptOf(300, 2)].map((prompt) => openText(decoder, prompt))
  for (const text of texts) await text.begin()
  for (let token = 0; token < 3; token += 1) await Promise.all(texts.map((text) => text.next()))
  const [short, long] = texts
  if (short === undefined || long === undefined) throw new Error('there are two')
  expect(short.keyValues.places).toBe(long.keyValues.places)
  short.leave()
  expect(short.keyValues.places).toBe(64)
  expect(short.keyValues.bytes).toBeLessThan(long.keyValues.bytes / 4)
  await long.next()
  await short.next()
  expect(short.logits).toEqual((await alone(promptOf(10, 1), 5)).logits)
  expect(long.logits).toEqual((await alone(promptOf(300, 2), 5)).logits)
})

test('what a text has left behind is nothing to the next one, even where it was no number', async () => {
  let spoils = false
  const { decoder, sizes } = open({
    async run(texts, inner) {
      const outputs = await inner()
      const keys = outputs['new.0.key']?.data
      if (spoils && texts === 1 && keys instanceof Float32Array) keys.fill(Number.NaN)
      return outputs
    },
  })
  const [steady, next] = [promptOf(30, 1), promptOf(10, 2)].map((prompt) => openText(decoder, prompt))
  if (steady === undefined || next === undefined) throw new Error('there are two')
  await steady.begin()
  await next.begin()
  spoils = true
  let bad = (await decoder.read(promptOf(40, 3), decoder.start)).keyValues
  spoils = false
  for (let token = 0; token < 3; token += 1) {
    const [step] = await Promise.all([decoder.read([1], bad), steady.next()])
    expect(step.logits[0]).toBeNaN()
    decoder.release(bad)
    bad = step.keyValues
  }
  decoder.release(bad)
  sizes.length = 0
  await Promise.all([steady.next(), next.next()])
  expect(sizes).toEqual([2])
  expect(next.logits).toEqual((await alone(promptOf(10, 2), 2)).logits)
})

test('of texts that have left, no more memory is kept than may be empty', async () => {
  let bytes = 0
  const kept = async (emptyBytes: number) => {
    const { decoder } = open({
      emptyBytes,
      see: (feeds) => {
        const tensor = feeds['past_key_values.0.value']
        if (tensor !== undefined && tensor.dims[0] === 2) bytes = (tensor.data as Float32Array).buffer.byteLength
      },
    })
    const texts = [10, 20, 30].map((length, seed) => openText(decoder, promptOf(length, seed)))
    for (const text of texts) await text.begin()
    for (let token = 0; token < 2; token += 1) await Promise.all(texts.map((text) => text.next()))
    texts[2]?.leave()
    await Promise.all(texts.slice(0, 2).map((text) => text.next()))
    expect(texts[0]?.logits).toEqual((await alone(promptOf(10, 0), 4)).logits)
    return bytes
  }
  const two = await kept(0)
  expect(await kept(1e9)).toBe(two * 1.5)
})

test('texts of very different lengths are read apart', async () => {
  const { decoder, sizes } = open({ emptyBytes: 0 })
  const texts = [10, 20, 300].map((length, seed) => openText(decoder, promptOf(length, seed)))
  for (const text of texts) await text.begin()
  for (let token = 0; token < 2; token += 1) await Promise.all(texts.map((text) => text.next()))
  sizes.length = 0
  await Promise.all(texts.map((text) => text.next()))
  expect(sizes).toEqual([2, 1])
})

test('what fails for one fails for it alone', async () => {
  const { decoder, sizes } = open()
  const texts = [10, 20, 30].map((length, seed) => openText(decoder, promptOf(length, seed)))
  for (const text of texts) await text.begin()
  await Promise.all(texts.map((text) => text.next()))
  sizes.length = 0
  const [first, second, third] = texts
  if (first === undefined || second === undefined || third === undefined) throw new Error('there are three')
  const [good, bad, other] = await Promise.allSettled([
    first.next(),
    decoder.read([1_000_000], second.keyValues),
    third.next(),
  ])
  expect([good.status, bad.status, other.status]).toEqual(['fulfilled', 'rejected', 'fulfilled'])
  expect(sizes).toEqual([3, 1, 1, 1])
  await Promise.all(texts.map((text) => text.next()))
  for (const [index, length] of [10, 20, 30].entries()) {
    const text = texts[index]
    expect(text?.logits).toEqual((await alone(promptOf(length, index), text?.ids.length ?? 0)).logits)
  }
})

test('a run of several that can not be is tried no more', async () => {
  const { decoder, sizes } = open({
    run: (texts, inner) => (texts > 1 ? Promise.reject(new Error('the graph reads one text')) : inner()),
  })
  const texts = [10, 200].map((length, seed) => openText(decoder, promptOf(length, seed)))
  for (const text of texts) await text.begin()
  for (let token = 0; token < 3; token += 1) await Promise.all(texts.map((text) => text.next()))
  expect(sizes.filter((texts) => texts > 1)).toEqual([2])
  expect(decoder.isJoint).toBe(false)
  expect(texts[0]?.logits).toEqual((await alone(promptOf(10, 0), 4)).logits)
})

test('where a run takes too many places, shorter texts are still read together', async () => {
  let places = 0
  const { decoder, sizes } = open({
    run: (texts, inner) => (texts > 1 && places > 128 ? Promise.reject(new Error('no memory')) : inner()),
    see: (feeds) => {
      places = feeds['past_key_values.0.value']?.dims[2] ?? 0
    },
  })
  const texts = [10, 20, 125].map((length, seed) => openText(decoder, promptOf(length, seed)))
  for (const text of texts) await text.begin()
  for (let token = 0; token < 6; token += 1) await Promise.all(texts.map((text) => text.next()))
  sizes.length = 0
  for (let token = 0; token < 4; token += 1) await Promise.all(texts.map((text) => text.next()))
  expect(sizes).toEqual([2, 1, 2, 1, 2, 1, 2, 1])
})

test('runs are compared with those of each text until their form is known', async () => {
  const { decoder, sizes } = open()
  const texts = [10, 100].map((length, seed) => openText(decoder, promptOf(length, seed)))
  for (const text of texts) await text.begin()
  sizes.length = 0
  for (let token = 0; token < 4; token += 1) await Promise.all(texts.map((text) => text.next()))
  expect(sizes).toEqual([2, 1, 1, 2, 1, 1, 2, 2])
})

test('where the runtime adds in another order beside others, longer texts are read alone', async () => {
  // Beside others, sums over more than 128 places are another one.
  let places = 0
  const { decoder, sizes } = open({
    async run(texts, inner) {
      const outputs = await inner()
      const numbers = outputs['new.1.value']?.data
      if (texts > 1 && places > 128 && numbers instanceof Float32Array) {
        numbers.set(numbers.map((number) => number * (1 + 2 ** -22)))
      }
      return outputs
    },
    see: (feeds) => {
      places = feeds['past_key_values.0.value']?.dims[2] ?? 0
    },
  })
  const lengths = [10, 20, 150, 160]
  const texts = lengths.map((length, seed) => openText(decoder, promptOf(length, seed)))
  for (const text of texts) await text.begin()
  for (let token = 0; token < 4; token += 1) await Promise.all(texts.map((text) => text.next()))
  expect(decoder.isJoint).toBe(true)
  sizes.length = 0
  for (let token = 0; token < 2; token += 1) await Promise.all(texts.map((text) => text.next()))
  expect(sizes).toEqual([2, 1, 1, 2, 1, 1])
  for (const [index, length] of lengths.entries()) {
    expect(texts[index]?.logits).toEqual((await alone(promptOf(length, index), 7)).logits)
  }
})

test('on several threads, long texts have their own numbers, too', async () => {
  // From 1,024 places on, onnxruntime cuts this decoder's attention among threads, but not where it is of several texts.
  const own = await InferenceSession.create((await roundedWriter('threads')).graph, {
    intraOpNumThreads: 6,
    // Threads that wait leave the processor to others.
    extra: { session: { intra_op: { allow_spinning: '0' } } },
  })
  const { decoder, sizes } = open({ session: own })
  const lengths = [30, 1_100, 1_130]
  const texts = lengths.map((length, seed) => openText(decoder, promptOf(length, seed)))
  for (const text of texts) await text.begin()
  for (let token = 0; token < 6; token += 1) await Promise.all(texts.map((text) => text.next()))
  expect(Math.max(...sizes)).toBe(3)
  for (const [index, length] of lengths.entries()) {
    const text = texts[index]
    const expected = await alone(promptOf(length, index), 7, own)
    expect(text?.ids).toEqual(expected.ids)
    expect(text?.logits).toEqual(expected.logits)
  }
  await own.release()
})

test('where a run of several rounds otherwise, each text has its own', async () => {
  const { decoder, sizes } = open({
    async run(texts, inner) {
      const outputs = await inner()
      const numbers = outputs.logits?.data
      // As "dynamic quantization" does: the last bits depend on all rows.
      if (texts > 1 && numbers instanceof Float32Array) numbers[0] = (numbers[0] ?? 0) * (1 + 2 ** -23)
      return outputs
    },
  })
  const texts = [10, 20].map((length, seed) => openText(decoder, promptOf(length, seed)))
  for (const text of texts) await text.begin()
  expect(decoder.isJoint).toBe(true)
  await Promise.all(texts.map((text) => text.next()))
  expect(decoder.isJoint).toBe(false)
  sizes.length = 0
  await Promise.all(texts.map((text) => text.next()))
  expect(sizes).toEqual([1, 1])
  for (const [index, length] of [10, 20].entries()) {
    expect(texts[index]?.logits).toEqual((await alone(promptOf(length, index), 3)).logits)
  }
})

test('a graph that gives all keys and values reads one text at a time', async () => {
  const { files } = await tinyWriter()
  const own = await InferenceSession.create(files['model.onnx'] as Uint8Array)
  const decoder = createJointDecoder(own, Tensor, { emptyBytes: 1e9, gather: () => setImmediate() }) as JointDecoder
  expect(decoder.isJoint).toBe(false)
  expect((await decoder.read([1, 2], decoder.start)).logits.length).toBeGreaterThan(0)
  await own.release()
})
