import * as v from 'valibot'
import { object } from '../contracts/object-schemas.ts'
import { CloudError } from '../errors/cloud-error.ts'
import { binaryTensorExtension } from '../protocol/server/metadata.ts'
import { abortable } from '../utils/abortable.ts'
import { lazy } from '../utils/lazy.ts'
import { withDeadline } from '../utils/with-deadline.ts'
import type { SendRequest } from './cloud-request.ts'

/** Longer than this the first request does not wait to learn what it may send. */
const patienceMs = 3_000

/** Servers of the protocol that differ in what they take and say. */
export type ServerKind = 'hither' | 'triton' | 'kserve' | 'mlserver' | 'openvino' | 'other'

/** What a server is known to take. */
export interface ServerFacts {
  readonly kind: ServerKind
  /** Does it take binary tensors? Undefined when it does not say. */
  readonly binary: boolean | undefined
  /** Does it take a body with `Content-Encoding: gzip`? */
  readonly gzip: boolean
  /** Does it read the parameter `timeout`, in microseconds? */
  readonly timeout: boolean
}

export interface FactsOfServer {
  /** What is known now; asks the server the first time. Rejects only with the signal's reason. */
  known(signal: AbortSignal): Promise<ServerFacts>
  /** What a request that went through, or did not, has shown. */
  learn(shown: { readonly binary?: boolean; readonly gzip?: boolean }): void
}

const unknownServer: ServerFacts = { kind: 'other', binary: undefined, gzip: false, timeout: false }

// OpenVINO's server leaves the extensions out.
const metadataSchema = object({ name: v.nullish(v.string()), extensions: v.nullish(v.array(v.string())) })

const kinds: readonly (readonly [RegExp, ServerKind])[] = [
  [/^hither$/i, 'hither'],
  [/triton/i, 'triton'],
  [/kserve/i, 'kserve'],
  [/mlserver/i, 'mlserver'],
  [/openvino|ovms/i, 'openvino'],
]

/**
 * Reads what `GET /v2` answers. A server that lists its extensions takes binary tensors if they are among them, with
 * one exception: KServe takes them and does not list them.
 */
export function readServerFacts(json: unknown): ServerFacts {
  const { name, extensions } = v.parse(metadataSchema, json)
  const kind = kinds.find(([pattern]) => pattern.test(name ?? ''))?.[1] ?? 'other'
  const listed = extensions?.includes(binaryTensorExtension)
  const knows = kind === 'hither' || kind === 'triton'
  return { kind, binary: listed === false && kind === 'kserve' ? true : listed, gzip: knows, timeout: knows }
}

/** Asks a server once what it is, and remembers the answer; a failure to ask is not remembered. */
export function createServerFacts(send: SendRequest): FactsOfServer {
  let facts: ServerFacts | undefined
  let learned: { readonly binary?: boolean; readonly gzip?: boolean } = {}
  // The question belongs to every request that waits for it, so no request's abort may end it.
  const answer = lazy(async () => {
    const onDeadline = () => new CloudError('cloud-timeout', 'The endpoint did not describe itself in time.')
    const { body } = await withDeadline((signal) => send({ path: '/v2', limitBytes: 64 * 1024, signal }), {
      ms: patienceMs,
      onDeadline,
    })
    return readServerFacts(JSON.parse(new TextDecoder().decode(body)))
  })
  return {
    async known(signal) {
      facts ??= await abortable(
        learned.binary === undefined ? answer.get().catch(() => undefined) : Promise.resolve(undefined),
        signal,
      )
      return { ...(facts ?? unknownServer), ...learned }
    },
    learn(shown) {
      learned = { ...learned, ...shown }
    },
  }
}
