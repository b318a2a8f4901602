import { createSendRequest, type SendRequest } from '../../../cloud/cloud-request.ts'
import type { CloudCodec } from '../../../cloud/cloud-run.ts'
import { type CloudArm, createCloudArm } from '../../../cloud/create-cloud-arm.ts'
import type { ModelDescription } from '../../../cloud/describe-model.ts'
import { openTextServer } from '../../../cloud/text/open-text-server.ts'
import type { TextServer } from '../../../cloud/text/text-server.ts'
import { CloudError } from '../../../errors/cloud-error.ts'
import { isHitherError } from '../../../errors/hither-error.ts'
import type { TextServerKind } from '../../../protocol/text-server/server-kind.ts'
import { holdValues } from '../../../utils/held-value.ts'
import type { UpstreamStatus } from './choose-upstream.ts'
import type { UpstreamAnswer } from './upstream-answer.ts'
import type { UpstreamConnections } from './upstream-connections.ts'
import { createUpstreamState } from './upstream-state.ts'

/** Milliseconds that an upstream's description of a model is held, and its answer that it has none of this name. */
const knownMs = 30_000
const missingMs = 3_000
/** Milliseconds that an upstream has to say that it is ready. */
const checkTimeoutMs = 3_000
/** Any client can ask for any name, so the table is bounded. */
const maxKnown = 1_000

/** Where servers say that they are ready: the protocol; vLLM, Ray and others; any that speaks the OpenAI API. */
const readyPaths = ['/v2/health/ready', '/health', '/v1/models', '/v3/models']

/** One server behind the gateway. */
export interface Upstream extends UpstreamStatus {
  readonly arm: CloudArm
  readonly send: SendRequest
  /** What it is where it has the OpenAI API, if the operator has said it. */
  readonly kind: TextServerKind | undefined
  /** What it does with texts, where it has the OpenAI API. */
  readonly texts: TextServer
  /** Its description of a model, held for a while; undefined where it has none of this name. @throws {CloudError} */
  describe(model: string): Promise<ModelDescription | undefined>
  /** Has it the model, as far as is known without asking? Undefined where nothing is known. */
  has(model: string): boolean | undefined
  forget(model: string): void
  /** Posts JSON, byte by byte as it is, and gives the answer as it comes, whatever its status. Rejects when none comes. */
  post(path: string, body: Uint8Array<ArrayBuffer>, signal: AbortSignal): Promise<UpstreamAnswer>
  /** Asks it whether it is ready, and keeps that in its state. Never rejects. */
  check(): Promise<void>
}

export function createUpstream(options: {
  readonly url: string
  readonly connections: Pick<UpstreamConnections, 'fetch' | 'post'>
  readonly token: string | undefined
  readonly now: () => number
  readonly codec: CloudCodec
  readonly kind: TextServerKind | undefined
  readonly probe: boolean | undefined
}): Upstream {
  const { url, connections, token, now, codec, kind, probe } = options
  const { fetch } = connections
  const bearer = token === undefined ? undefined : () => token
  const arm = createCloudArm({ url, fetch, now, token: bearer, codec })
  const send = createSendRequest({ baseUrl: url, token: bearer, fetch, now, nowDate: () => Date.now() })
  const texts = openTextServer({ url, fetch, now, token: bearer, kind, probe })
  const state = createUpstreamState()
  let readyPath: string | undefined

  const descriptions = holdValues({
    load: (model: string): Promise<ModelDescription | undefined> =>
      arm.describe(model).catch((error: unknown) => {
        if (isHitherError(error) && error.code === 'cloud-model-missing') return undefined
        throw error
      }),
    holdMs: (description) => (description === undefined ? missingMs : knownMs),
    maxKeys: maxKnown,
    now,
  })
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
    kind,
    texts,
    state,
    describe: descriptions.get,
    has(model) {
      const held = descriptions.peek(model)
      return held && held.value !== undefined
    },
    forget: descriptions.forget,
    post: (path, body, signal) =>
      connections.post(`${url}${path}`, {
        headers: token === undefined ? {} : { Authorization: `Bearer ${token}` },
        body,
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
