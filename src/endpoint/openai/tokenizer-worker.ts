import { serveThread } from '../threads/serve-thread.ts'
import { createTokenizerMethods } from './tokenizer-methods.ts'

serveThread(createTokenizerMethods())
