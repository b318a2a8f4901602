import * as v from 'valibot'
import { CloudError } from '../errors/cloud-error.ts'
import { binaryTensorExtension, serverMetadataSchema } from '../protocol/metadata.ts'
import { abortable } from '../utils/abortable.ts'
import { memoizeAsync } from '../utils/memoize-async.ts'
import { withDeadline } from '../utils/with-deadline.ts'
import type { SendRequest } from './cloud-request.ts'

/** Longer than this the first request does not wait to learn whether it may be binary. */
const patienceMs = 3_000

export interface BinarySupport {
  /** Does the server take binary tensors? Undefined when it does not say. Rejects only with the signal's reason. */
  known(signal: AbortSignal): Promise<boolean | undefined>
  /** What a request that went through, or did not, has shown. */
  learn(binary: boolean): void
}

/** Asks a server once whether it takes binary tensors, and remembers the answer; a failure to ask is not remembered. */
export function createBinarySupport(send: SendRequest): BinarySupport {
  let learned: boolean | undefined
  // The question belongs to every request that waits for it, so no request's abort may end it.
  const ask = memoizeAsync(async (_: 'server') => {
    const onDeadline = () => new CloudError('cloud-timeout', 'The endpoint did not describe itself in time.')
    const { body } = await withDeadline((signal) => send({ path: '/v2', limitBytes: 64 * 1024, signal }), {
      ms: patienceMs,
      onDeadline,
    })
    const metadata = v.safeParse(serverMetadataSchema, JSON.parse(new TextDecoder().decode(body)))
    if (!metadata.success) throw new CloudError('cloud-bad-response', "The endpoint's description can't be read.")
    return metadata.output.extensions.includes(binaryTensorExtension)
  })
  return {
    async known(signal) {
      if (learned !== undefined) return learned
      const said = await abortable(
        ask('server').catch(() => undefined),
        signal,
      )
      learned ??= said
      return learned
    },
    learn(binary) {
      learned = binary
    },
  }
}
