import { ValidationError } from '../../errors/validation-error.ts'
import { abortable } from '../../utils/abortable.ts'
import { isInstance } from '../../utils/is-instance.ts'

/** A moving picture that shows a frame which was not taken yet. */
export interface ShownFrame {
  readonly video: HTMLVideoElement
  readonly atMs: number
  readonly droppedFrames: number
}

interface Shown {
  readonly mediaTime: number
  readonly presentedFrames: number
}

/** Waits for the next frame; undefined when the video has ended, or its camera has. */
function nextFrame(video: HTMLVideoElement, tracks: readonly MediaStreamTrack[]): Promise<Shown | undefined> {
  return new Promise((resolve) => {
    const isOver = () => video.ended || (tracks.length > 0 && tracks.every((track) => track.readyState === 'ended'))
    if (isOver()) {
      resolve(undefined)
      return
    }
    const listening = new AbortController()
    const settle = (frame: Shown | undefined) => {
      listening.abort()
      video.cancelVideoFrameCallback(handle)
      resolve(frame)
    }
    const handle = video.requestVideoFrameCallback((_, metadata) => settle(metadata))
    const end = () => {
      if (isOver()) settle(undefined)
    }
    video.addEventListener('ended', end, { signal: listening.signal })
    // A camera that is unplugged, or whose permission is taken back.
    for (const track of tracks) track.addEventListener('ended', end, { signal: listening.signal })
  })
}

/** Plays a camera's stream in an element of its own, which the page never shows. */
async function play(stream: MediaStream): Promise<HTMLVideoElement> {
  if (stream.getVideoTracks().length === 0) {
    throw new ValidationError('picture-unreadable', 'This stream has no video.')
  }
  const video = document.createElement('video')
  video.muted = true
  video.playsInline = true
  video.srcObject = stream
  await video.play()
  return video
}

/**
 * The frames of a playing video or a camera, one at a time. A frame is waited for only when the one before it has been
 * dealt with, so nothing queues: what was shown meanwhile is counted and left out. The camera itself is left running.
 *
 * @throws {ValidationError} `picture-unreadable`
 * @throws the signal's reason
 */
export async function* watchFrames(
  source: HTMLVideoElement | MediaStream,
  signal?: AbortSignal,
): AsyncGenerator<ShownFrame, void, void> {
  signal?.throwIfAborted()
  const isElement = isInstance(source, 'HTMLVideoElement')
  if (!isElement && !isInstance(source, 'MediaStream')) {
    throw new ValidationError('picture-unreadable', 'A video element or a stream with video is needed.')
  }
  const video = isElement ? source : await abortable(play(source), signal)
  const stream = video.srcObject
  const tracks = isInstance(stream, 'MediaStream') ? stream.getVideoTracks() : []
  let before: number | undefined
  try {
    for (;;) {
      const frame = await abortable(nextFrame(video, tracks), signal)
      if (frame === undefined) return
      const droppedFrames = before === undefined ? 0 : Math.max(0, frame.presentedFrames - before - 1)
      before = frame.presentedFrames
      yield { video, atMs: frame.mediaTime * 1000, droppedFrames }
    }
  } finally {
    if (!isElement) {
      video.pause()
      video.srcObject = null
    }
  }
}
