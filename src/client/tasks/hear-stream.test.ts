import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { hearStream } from './hear-stream.ts'

const rateHz = 16_000
/** What the audio thread posts: 32 ms of two channels, whose samples are the piece's number. */
const pieceOf = (number: number) => [new Float32Array(512).fill(number), new Float32Array(512).fill(-number)]

let port: { onmessage?: (event: { data: Float32Array[] }) => void }
let closed: number
const post = (data: Float32Array[]) => port.onmessage?.({ data })

class FakeTrack extends EventTarget {
  readyState = 'live'
  end() {
    this.readyState = 'ended'
    this.dispatchEvent(new Event('ended'))
  }
}
const streamOf = (...tracks: FakeTrack[]) => ({ getAudioTracks: () => tracks }) as unknown as MediaStream

beforeEach(() => {
  port = {}
  closed = 0
  vi.stubGlobal(
    'AudioContext',
    class {
      sampleRate = rateHz
      state = 'running'
      audioWorklet = { addModule: async () => {} }
      createMediaStreamSource = () => ({ connect: () => {} })
      async close() {
        closed += 1
        this.state = 'closed'
      }
    },
  )
  vi.stubGlobal(
    'AudioWorkletNode',
    class {
      port = port
    },
  )
})
afterEach(() => vi.unstubAllGlobals())

test('pieces come in the order in which they were heard, and the stream ends with its tracks', async () => {
  const track = new FakeTrack()
  const { pieces, rateHz: heardAt } = await hearStream(streamOf(track))
  expect(heardAt).toBe(rateHz)
  const first = pieces.next()
  post(pieceOf(1))
  post(pieceOf(2))
  expect((await first).value).toEqual({ channels: pieceOf(1), droppedMs: 0 })
  expect((await pieces.next()).value).toEqual({ channels: pieceOf(2), droppedMs: 0 })
  const last = pieces.next()
  track.end()
  expect((await last).done).toBe(true)
  expect(closed).toBe(1)
})

test('of more than five seconds that wait, the oldest are left out, and what was left out is told', async () => {
  const { pieces } = await hearStream(streamOf(new FakeTrack()))
  for (let number = 1; number <= 200; number += 1) post(pieceOf(number))
  // 156 pieces of 32 ms are 4,992 ms.
  const { value: oldest } = await pieces.next()
  expect(oldest?.channels).toEqual(pieceOf(45))
  expect(oldest?.droppedMs).toBeCloseTo(44 * 32, 6)
  expect((await pieces.next()).value).toMatchObject({ channels: pieceOf(46), droppedMs: 0 })
  await pieces.return()
  expect(closed).toBe(1)
})

test('an abort ends the wait with its reason, and the microphone is let go of', async () => {
  const aborting = new AbortController()
  const { pieces } = await hearStream(streamOf(new FakeTrack()), aborting.signal)
  const waiting = pieces.next()
  aborting.abort(new Error('enough'))
  await expect(waiting).rejects.toThrow('enough')
  expect(closed).toBe(1)
})

test('a stream without sound is refused', async () => {
  await expect(hearStream(streamOf())).rejects.toMatchObject({ code: 'sound-unreadable' })
})
