import { serveThread } from '../../threads/serve-thread.ts'
import { requestMethods } from './request-methods.ts'

serveThread(requestMethods)
