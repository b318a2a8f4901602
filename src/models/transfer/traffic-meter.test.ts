import { expect, test } from 'vitest'
import { toFetchEnvironment } from './fetch-environment.ts'
import { readPieces } from './read-pieces.ts'
import { createTrafficMeter, type Traffic } from './traffic-meter.ts'

function setUp() {
  const time = { ms: 0 }
  const told: Traffic[] = []
  const meter = createTrafficMeter(
    (traffic) => told.push(traffic),
    () => time.ms,
  )
  return { time, told, meter }
}

test('two connections to one server are one flow, told of while it lasts', () => {
  const { time, told, meter } = setUp()
  const [first, second] = [meter.begin('https://a.example/x'), meter.begin('https://a.example/y?z')]
  for (let step = 0; step < 7; step += 1) {
    time.ms += 100
    first.piece(10_000)
    second.piece(10_000)
  }
  expect(told).toEqual([{ origin: 'https://a.example', bytes: 110_000, ms: 600 }])
})

test('what a thread does after the last piece is no time of the link, and neither is a pause', () => {
  const { time, told, meter } = setUp()
  const body = meter.begin('https://a.example/x')
  time.ms += 50
  body.piece(100_000)
  time.ms += 10_000 // its bytes are being stored
  body.end()
  body.end()
  time.ms += 5_000
  const next = meter.begin('https://a.example/x')
  time.ms += 20
  next.piece(50_000)
  next.end()
  expect(told).toEqual([
    { origin: 'https://a.example', bytes: 100_000, ms: 50 },
    { origin: 'https://a.example', bytes: 50_000, ms: 20 },
  ])
})

test('a few bytes say nothing, and servers are kept apart', () => {
  const { time, told, meter } = setUp()
  const [a, b] = [meter.begin('https://a.example/x'), meter.begin('https://b.example/x')]
  time.ms += 10
  a.piece(500)
  b.piece(20_000)
  a.end()
  b.end()
  expect(told).toEqual([{ origin: 'https://b.example', bytes: 20_000, ms: 10 }])
})

test('a body that is read is metered as its server’s, also one that is given up', async () => {
  const { told, meter, time } = setUp()
  const environment = toFetchEnvironment({ meter })
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      time.ms += 10
      controller.enqueue(new Uint8Array(20_000))
    },
  })
  for await (const _ of readPieces(new Response(body), 'x', environment, undefined, 'https://a.example/x')) break
  expect(told.map(({ origin }) => origin)).toEqual(['https://a.example'])
})
