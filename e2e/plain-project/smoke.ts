import type { Client, RunOptions } from 'hither'

type Privacy = NonNullable<RunOptions['privacy']>

/** A tone between two silences, a second and a half in all. */
function tone(rateHz: number): Float32Array<ArrayBuffer> {
  const samples = new Float32Array(rateHz * 1.5)
  for (let i = rateHz / 2; i < rateHz; i += 1) samples[i] = 0.9 * Math.sin((2 * Math.PI * 440 * i) / rateHz)
  return samples
}

/** A seven with a bar, as somebody draws it. */
function seven(): HTMLCanvasElement {
  const canvas = Object.assign(document.createElement('canvas'), { width: 280, height: 280 })
  const pen = canvas.getContext('2d')
  if (pen === null) throw new Error('no canvas')
  pen.fillStyle = '#fff'
  pen.fillRect(0, 0, 280, 280)
  pen.lineWidth = 22
  pen.lineCap = 'round'
  pen.lineJoin = 'round'
  pen.beginPath()
  pen.moveTo(80, 70)
  pen.lineTo(200, 70)
  pen.lineTo(130, 220)
  pen.stroke()
  return canvas
}

async function pictureOf(base64: string): Promise<Blob> {
  const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0))
  return new Blob([bytes])
}

/** One small request of each task, as any page would make it; what came back, as plain values. */
export const createSmoke = (client: () => Client) => ({
  async digit(privacy: Privacy) {
    const task = client().task('image-classification', { model: 'digits' })
    const { answer, route } = await task.run(seven(), { privacy })
    return { label: answer.label, ran: route.ran }
  },
  async text(model: string, text: string, privacy: Privacy) {
    const { answer, route } = await client().task('text-classification', { model }).run(text, { privacy })
    return { label: answer.label, ran: route.ran }
  },
  async sound(privacy: Privacy) {
    const task = client().task('voice-activity', { model: 'loudness' })
    const { answer, route } = await task.run({ samples: tone(48_000), rateHz: 48_000 }, { privacy })
    return { segments: answer.segments.map(({ startMs, endMs }) => ({ startMs, endMs })), ran: route.ran }
  },
  async found(task: 'face-detection' | 'object-detection', base64: string, privacy: Privacy) {
    const { answer, route } = await client()
      .task(task)
      .run(await pictureOf(base64), { privacy })
    return { count: answer.detections.length, label: answer.detections[0]?.label, ran: route.ran }
  },
  /** What this browser offers that changes how a model runs. */
  facts: () => ({
    isolated: globalThis.crossOriginIsolated,
    threads: typeof SharedArrayBuffer === 'function',
    webgpu: 'gpu' in navigator,
    jspi: 'Suspending' in WebAssembly,
  }),
})
