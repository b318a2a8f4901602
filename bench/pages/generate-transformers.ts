import { startApproved } from '../../src/utils/trusted-scripts.ts'
import { tellTextWriter } from './text-writer.ts'
import { workerWriter } from './writer-worker.ts'

const start = () => new Worker(new URL('./generate-transformers.worker.ts', import.meta.url), { type: 'module' })
tellTextWriter(workerWriter(startApproved(start)))
