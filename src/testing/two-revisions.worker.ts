// The background worker with a network of its own: a catalogue of one text model whose newest revision is named by a
// message `{ revision }`. The revision is the number of code points that the model takes.
import './patient-timers.ts'
import '../client/background/worker/background.worker.ts'
import { fakeManifest } from './fake-manifest.ts'

let revision = '3'

globalThis.fetch = async (input) => {
  const path = new URL(String(input)).pathname
  const manifest = await fakeManifest(
    { 'model.onnx': Uint8Array.of(Number(revision)) },
    {
      name: 'text',
      revision,
      inputs: [{ name: 'x', type: 'int32', shape: [1, -1] }],
      preprocessing: {
        kind: 'text',
        encoding: 'code-points',
        normalization: 'NFC',
        lowerCase: false,
        maxLength: Number(revision),
      },
    },
  )
  const entry = { name: 'text', revision, manifest: `${revision}.json` }
  const answer = path.endsWith('catalog.json') ? { format: 1, models: [entry] } : manifest
  return new Response(JSON.stringify(answer), { headers: { 'content-type': 'application/json' } })
}

globalThis.addEventListener('message', ({ data }: MessageEvent<{ revision?: string }>) => {
  if (typeof data.revision === 'string') revision = data.revision
})
