// A thread that runs nothing, for endpoints whose models all write.
import { parentPort } from 'node:worker_threads'

parentPort.on('message', () => {})
parentPort.postMessage({ status: 'ready' })
