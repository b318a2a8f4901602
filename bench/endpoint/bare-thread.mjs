// One thread of the bare loop: the model and nothing else, as fast as it goes.
import { readFile } from 'node:fs/promises'
import { parentPort, workerData } from 'node:worker_threads'
import { InferenceSession, Tensor } from 'onnxruntime-node'

const { graph, feeds, seconds } = workerData
const session = await InferenceSession.create(await readFile(graph), {
  executionProviders: ['cpu'],
  intraOpNumThreads: 1,
  interOpNumThreads: 1,
  logSeverityLevel: 4,
})
const run = () =>
  session.run(Object.fromEntries(feeds.map(({ name, type, dims, data }) => [name, new Tensor(type, data, dims)])))
for (let count = 0; count < 5; count += 1) await run()
parentPort.postMessage('ready')
await new Promise((resolve) => parentPort.once('message', resolve))
let runs = 0
const startMs = performance.now()
while (performance.now() - startMs < seconds * 1000) {
  await run()
  runs += 1
}
parentPort.postMessage((runs * 1000) / (performance.now() - startMs))
