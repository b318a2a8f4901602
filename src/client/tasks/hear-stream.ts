import { CapabilityError } from '../../errors/capability-error.ts'
import { ValidationError } from '../../errors/validation-error.ts'
import { abortable } from '../../utils/abortable.ts'

/** A piece of sound from a stream. */
export interface HeardPiece {
  readonly channels: readonly Float32Array[]
  /** Sound that was dropped before it, because the device was behind, in milliseconds. */
  readonly droppedMs: number
}

/** Sound that waits for the device, at most: beyond it the oldest is dropped, so that answers stay about now. */
const mostWaitingMs = 5_000

export interface HeardStream {
  readonly rateHz: number
  readonly pieces: AsyncGenerator<HeardPiece, void, void>
  close(): Promise<void>
}

/** The address stands as a literal so that bundlers copy the file; `no-inline` keeps Vite from making it a data: address. */
const tapUrl = () => new URL('./worklet/sound-tap.worklet.js?no-inline', import.meta.url)

async function openTap(context: AudioContext, stream: MediaStream): Promise<AudioWorkletNode> {
  try {
    await context.audioWorklet.addModule(tapUrl())
  } catch (cause) {
    throw new CapabilityError('worker-unavailable', 'This page may not start the part that listens.', { cause })
  }
  const tap = new AudioWorkletNode(context, 'hither-sound-tap', { numberOfInputs: 1, numberOfOutputs: 0 })
  context.createMediaStreamSource(stream).connect(tap)
  return tap
}

/**
 * Listens to a microphone or another stream with sound, in an audio thread. The stream itself is left running.
 *
 * @throws {ValidationError} `sound-unreadable`: the stream has no sound
 * @throws {CapabilityError} the page may not start an audio worklet
 */
export async function hearStream(stream: MediaStream, signal?: AbortSignal): Promise<HeardStream> {
  signal?.throwIfAborted()
  const tracks = stream.getAudioTracks()
  if (tracks.length === 0) throw new ValidationError('sound-unreadable', 'This stream has no sound.')
  const context = new AudioContext()
  let waiting: HeardPiece[] = []
  let wake: (() => void) | undefined
  const close = async () => {
    wake?.()
    if (context.state !== 'closed') await context.close()
  }
  const rateHz = context.sampleRate
  const lengthMs = ({ channels }: HeardPiece) => ((channels[0]?.length ?? 0) / rateHz) * 1000
  const isOver = () => context.state === 'closed' || tracks.every((track) => track.readyState === 'ended')

  try {
    const tap = await abortable(openTap(context, stream), signal)
    if (context.state === 'suspended') await abortable(context.resume(), signal)
    tap.port.onmessage = ({ data }: MessageEvent<Float32Array[]>) => {
      waiting.push({ channels: data, droppedMs: 0 })
      while (waiting.reduce((sum, piece) => sum + lengthMs(piece), 0) > mostWaitingMs) {
        const [oldest, next, ...rest] = waiting
        if (oldest === undefined || next === undefined) break
        waiting = [{ ...next, droppedMs: next.droppedMs + oldest.droppedMs + lengthMs(oldest) }, ...rest]
      }
      wake?.()
    }
  } catch (error) {
    await close()
    throw error
  }
  for (const track of tracks) track.addEventListener('ended', () => wake?.())

  async function* pieces(): AsyncGenerator<HeardPiece, void, void> {
    try {
      for (;;) {
        const piece = waiting.shift()
        if (piece !== undefined) {
          yield piece
          continue
        }
        if (isOver()) return
        const woken = new Promise<void>((resolve) => {
          wake = resolve
        })
        await abortable(woken, signal)
      }
    } finally {
      await close()
    }
  }
  return { rateHz, pieces: pieces(), close }
}
