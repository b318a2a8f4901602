import { createSendRequest, type SendRequest } from '../../cloud/cloud-request.ts'
import { type CloudArm, createCloudArm } from '../../cloud/create-cloud-arm.ts'
import type { ModelDescription } from '../../cloud/describe-model.ts'
import { CloudError } from '../../errors/cloud-error.ts'
import { isHitherError } from '../../errors/hither-error.ts'
import type { UpstreamStatus } from './choose-upstream.ts'
import { createUpstreamState } from './upstream-state.ts'

/** Milliseconds that what an upstream says of a model holds, and that it has none of this name. */
const knownMs = 30_000
const missingMs = 3_000
/** Milliseconds that an upstream has to say that it is ready. */
const checkTimeoutMs = 3_000
/** Names asked for by anyone who can send a request: the table must not grow with them. */
const maxKnown = 1_000

/** Where servers say that they are ready: the protocol; vLLM, Ray and others; any that speaks the OpenAI API. */
const readyPaths = ['/v2/health/ready', '/health', '/v1/models', '/v3/models']

/** One server behind the gateway. */
export interface Upstream extends UpstreamStatus {
  readonly arm: CloudArm
  readonly send: SendRequest
  /** What it says of a model; undefined where it has none of this name. Remembered for a while. @throws {CloudError} */
  describe(model: string): Promise<ModelDescription | undefined>
  /** What is remembered; undefined where nothing is. */
  has(model: string): boolean | undefined
  forget(model: string): void
  /** Posts JSON and gives the answer as it comes, whatever its status. Rejects when none comes. */
  post(path: string, body: unknown, signal: AbortSignal): Promise<Response>
  /** Asks it whether it is ready, and keeps that in its state. Never rejects. */
  check(): Promise<void>
}

export function createUpstream(options: {
  readonly url: string
  readonly fetch: typeof globalThis.fetch
  readonly token: string | undefined
  readonly now: () => number
}): Upstream {
  const { url, fetch, token, now } = options
  const bearer = token === undefined ? undefined : () => token
  const arm = createCloudArm({ url, fetch, now, token: bearer })
  const send = createSendRequest({ baseUrl: url, token: bearer, fetch, now, nowDate: () => Date.now() })
  const state = createUpstreamState()
  const known = new Map<string, { readonly description: ModelDescription | undefined; readonly untilMs: number }>()
  const asking = new Map<string, Promise<ModelDescription | undefined>>()
  let readyPath: string | undefined

  const remembered = (model: string) => {
    const entry = known.get(model)
    return entry !== undefined && now() < entry.untilMs ? entry : undefined
  }
  const ask = async (model: string) => {
    const description = await arm.describe(model).catch((error: unknown) => {
      if (isHitherError(error) && error.code === 'cloud-model-missing') return undefined
      throw error
    })
    if (known.size >= maxKnown) known.delete(known.keys().next().value ?? '')
    known.set(model, { description, untilMs: now() + (description === undefined ? missingMs : knownMs) })
    return description
  }
  const answers = async (path: string): Promise<number> => {
    try {
      await send({ path, limitBytes: 4 * 1024 * 1024, signal: AbortSignal.timeout(checkTimeoutMs) })
      return 200
    } catch (error) {
      return error instanceof CloudError && typeof error.context.status === 'number' ? error.context.status : 0
    }
  }

  return {
    url,
    arm,
    send,
    state,
    async describe(model) {
      const entry = remembered(model)
      if (entry !== undefined) return entry.description
      const question = asking.get(model) ?? ask(model).finally(() => asking.delete(model))
      asking.set(model, question)
      return question
    },
    has(model) {
      const entry = remembered(model)
      return entry && entry.description !== undefined
    },
    forget: (model) => void known.delete(model),
    post: (path, body, signal) =>
      fetch(`${url}${path}`, {
        method: 'POST',
        headers: {
          'Content-Type': 'application/json',
          ...(token === undefined ? {} : { Authorization: `Bearer ${token}` }),
        },
        body: JSON.stringify(body),
        redirect: 'error',
        signal,
      }),
    async check() {
      for (const path of readyPath === undefined ? readyPaths : [readyPath]) {
        const status = await answers(path)
        if (status === 404 || status === 405) continue
        if (status === 200) readyPath = path
        state.checked(status === 200)
        return
      }
      // An address that it no longer has: another server may have taken its place.
      readyPath = undefined
      state.checked(false)
    },
  }
}
