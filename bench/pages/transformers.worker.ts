// Transformers.js in a worker, as its documentation advises.
import { answerPage, type PlainTensors, toPlain } from './calls.ts'
import { openTransformers } from './open-transformers.ts'

type Message = { readonly load: string } | { readonly run: PlainTensors }
let run: Awaited<ReturnType<typeof openTransformers>> | undefined

answerPage<Message>(async (message) => {
  if ('load' in message) {
    run = await openTransformers(message.load, { wasmCache: false })
    return { value: true }
  }
  if (run === undefined) throw new Error('not loaded')
  return toPlain(await run(message.run))
})
