import { workerData } from 'node:worker_threads'
import { serveThread } from '../threads/serve-thread.ts'
import type { DatabaseOptions } from './database.ts'
import { createStoreMethods } from './store-methods.ts'

serveThread(createStoreMethods(workerData as DatabaseOptions))
