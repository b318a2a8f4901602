import * as v from 'valibot'
import { type Notice, noticeSchema, noticesPath, noticesSchema } from '../contracts/notice.ts'
import { CloudError } from '../errors/cloud-error.ts'
import { isHitherError } from '../errors/hither-error.ts'
import type { SendRequest } from './cloud-request.ts'

const limitBytes = 256 * 1024
const noneHere: ReadonlySet<unknown> = new Set([404, 405, 410, 501])

/**
 * What the endpoint's operator tells devices; undefined from a server that has no such address.
 *
 * @throws {CloudError} the endpoint could not be reached, failed, or answered something else
 */
export async function readNotices(send: SendRequest, signal: AbortSignal): Promise<readonly Notice[] | undefined> {
  try {
    const { body } = await send({ path: noticesPath, limitBytes, signal })
    const { notices } = v.parse(noticesSchema, JSON.parse(new TextDecoder().decode(body)))
    // One that this release does not know is for a newer one.
    return notices.flatMap((notice) => {
      const parsed = v.safeParse(noticeSchema, notice)
      return parsed.success ? [parsed.output] : []
    })
  } catch (error) {
    signal.throwIfAborted()
    if (isHitherError(error) && noneHere.has(error.context.status)) return undefined
    if (isHitherError(error)) throw error
    throw new CloudError('cloud-bad-response', "The endpoint's notices can not be read.", { cause: error })
  }
}
