import { CloudError } from '../errors/cloud-error.ts'
import type { SendRequest } from './cloud-request.ts'
import { modelPath } from './model-path.ts'

/**
 * Asks an endpoint for a model. Servers differ: `ready` answers 200 with or without a body, 503 for a model that is not
 * ready, 404, 400 or 501 for one that is unknown or for a path that is; the model's metadata decides those.
 */
export function createHasModel(send: SendRequest): (model: string, signal: AbortSignal) => Promise<boolean> {
  const ask = async (path: string, signal: AbortSignal): Promise<Uint8Array | number> => {
    try {
      return (await send({ path, limitBytes: 1024 * 1024, signal })).body
    } catch (error) {
      const status = error instanceof CloudError ? error.context.status : undefined
      if (typeof status !== 'number' || status === 200) throw error
      if ([401, 403, 429].includes(status) || (status >= 500 && status !== 501 && status !== 503)) throw error
      return status
    }
  }
  return async (model, signal) => {
    const path = modelPath(model)
    const ready = await ask(`${path}/ready`, signal)
    if (typeof ready !== 'number') return saysReady(ready)
    if (ready === 503) return false
    return typeof (await ask(path, signal)) !== 'number'
  }
}

/** The status says it; KServe and MLServer also have a body, where `ready` may be false. */
function saysReady(body: Uint8Array): boolean {
  try {
    const json: unknown = JSON.parse(new TextDecoder().decode(body))
    return !(typeof json === 'object' && json !== null && 'ready' in json && json.ready === false)
  } catch {
    return !/<html/i.test(new TextDecoder().decode(body.subarray(0, 1000)))
  }
}
