import { setImmediate } from 'node:timers/promises'
import { InferenceSession, Tensor } from 'onnxruntime-node'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openJoint, openText, promptOf, writtenAlone } from '../../../testing/joint-texts.ts'
import { roundedWriter } from '../../../testing/rounded-writer.ts'
import { tinyWriter } from '../../../testing/tiny-writer.ts'
import { createJointDecoder, type JointDecoder } from './joint-decoder.ts'

let session: InferenceSession
beforeAll(async () => {
  session = await InferenceSession.create((await roundedWriter('rounded')).graph, { intraOpNumThreads: 1 })
})
afterAll(() => session.release())
test('what fails for one fails for it alone', async () => {
  const { decoder, sizes } = openJoint(session)
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
    expect(text?.logits).toEqual((await writtenAlone(session, promptOf(length, index), text?.ids.length ?? 0)).logits)
  }
})

test('a run of several that can not be is tried no more', async () => {
  const { decoder, sizes } = openJoint(session, {
    run: (texts, inner) => (texts > 1 ? Promise.reject(new Error('the graph reads one text')) : inner()),
  })
  const texts = [10, 200].map((length, seed) => openText(decoder, promptOf(length, seed)))
  for (const text of texts) await text.begin()
  for (let token = 0; token < 3; token += 1) await Promise.all(texts.map((text) => text.next()))
  expect(sizes.filter((texts) => texts > 1)).toEqual([2])
  expect(decoder.isJoint).toBe(false)
  expect(texts[0]?.logits).toEqual((await writtenAlone(session, promptOf(10, 0), 4)).logits)
})

test('where a run takes too many places, shorter texts are still read together', async () => {
  let places = 0
  const { decoder, sizes } = openJoint(session, {
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
  const { decoder, sizes } = openJoint(session)
  const texts = [10, 100].map((length, seed) => openText(decoder, promptOf(length, seed)))
  for (const text of texts) await text.begin()
  sizes.length = 0
  for (let token = 0; token < 4; token += 1) await Promise.all(texts.map((text) => text.next()))
  expect(sizes).toEqual([2, 1, 1, 2, 1, 1, 2, 2])
})

test('where the runtime adds in another order beside others, longer texts are read alone', async () => {
  // Beside others, sums over more than 128 places are another one.
  let places = 0
  const { decoder, sizes } = openJoint(session, {
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
    expect(texts[index]?.logits).toEqual((await writtenAlone(session, promptOf(length, index), 7)).logits)
  }
})

test('on several threads, long texts have their own numbers, too', async () => {
  // From 1,024 places on, onnxruntime cuts this decoder's attention among threads, but not where it is of several texts.
  const own = await InferenceSession.create((await roundedWriter('threads')).graph, {
    intraOpNumThreads: 6,
    // Threads that wait leave the processor to others.
    extra: { session: { intra_op: { allow_spinning: '0' } } },
  })
  const { decoder, sizes } = openJoint(own)
  const lengths = [30, 1_100, 1_130]
  const texts = lengths.map((length, seed) => openText(decoder, promptOf(length, seed)))
  for (const text of texts) await text.begin()
  for (let token = 0; token < 6; token += 1) await Promise.all(texts.map((text) => text.next()))
  expect(Math.max(...sizes)).toBe(3)
  for (const [index, length] of lengths.entries()) {
    const text = texts[index]
    const expected = await writtenAlone(own, promptOf(length, index), 7)
    expect(text?.ids).toEqual(expected.ids)
    expect(text?.logits).toEqual(expected.logits)
  }
  await own.release()
})

test('where a run of several rounds otherwise, each text has its own', async () => {
  const { decoder, sizes } = openJoint(session, {
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
    expect(texts[index]?.logits).toEqual((await writtenAlone(session, promptOf(length, index), 3)).logits)
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
