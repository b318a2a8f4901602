import { InferenceSession, Tensor } from 'onnxruntime-node'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openJoint, openText, promptOf, writtenAlone } from '../../../testing/joint-texts.ts'
import { roundedWriter } from '../../../testing/rounded-writer.ts'
import { createDecoder, type Decoder } from '../create-decoder.ts'

let session: InferenceSession
beforeAll(async () => {
  session = await InferenceSession.create((await roundedWriter('rounded')).graph, { intraOpNumThreads: 1 })
})
afterAll(() => session.release())
test('each text has its own numbers, bit by bit, whoever comes and goes beside it', async () => {
  const { decoder, sizes } = openJoint(session)
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
    const expected = await writtenAlone(session, prompt, text?.ids.length ?? 0)
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
  const { decoder, sizes } = openJoint(session)
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
  const { decoder } = openJoint(session)
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
  const { decoder } = openJoint(session, {
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
  const { decoder } = openJoint(session)
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
  expect(short.logits).toEqual((await writtenAlone(session, promptOf(10, 1), 5)).logits)
  expect(long.logits).toEqual((await writtenAlone(session, promptOf(300, 2), 5)).logits)
})

test('what a text has left behind is nothing to the next one, even where it was no number', async () => {
  let spoils = false
  const { decoder, sizes } = openJoint(session, {
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
  expect(next.logits).toEqual((await writtenAlone(session, promptOf(10, 2), 2)).logits)
})

test('of texts that have left, no more memory is kept than may be empty', async () => {
  let bytes = 0
  const kept = async (emptyBytes: number) => {
    const { decoder } = openJoint(session, {
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
    expect(texts[0]?.logits).toEqual((await writtenAlone(session, promptOf(10, 0), 4)).logits)
    return bytes
  }
  const two = await kept(0)
  expect(await kept(1e9)).toBe(two * 1.5)
})

test('texts of very different lengths are read apart', async () => {
  const { decoder, sizes } = openJoint(session, { emptyBytes: 0 })
  const texts = [10, 20, 300].map((length, seed) => openText(decoder, promptOf(length, seed)))
  for (const text of texts) await text.begin()
  for (let token = 0; token < 2; token += 1) await Promise.all(texts.map((text) => text.next()))
  sizes.length = 0
  await Promise.all(texts.map((text) => text.next()))
  expect(sizes).toEqual([2, 1])
})
