import { serveThread } from '../threads/serve-thread.ts'
import { codecMethods } from './codec-methods.ts'

serveThread(codecMethods)
