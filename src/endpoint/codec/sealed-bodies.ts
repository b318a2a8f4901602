import {
  type AnswerSecret,
  answerSeal,
  importPrivateKey,
  openRequest,
  type SealedMessage,
  type SealingKeyPair,
} from '../../protocol/sealing.ts'

/** A sealed request, and what its seal covers beside it. */
export interface SealedToOpen {
  readonly bytes: Uint8Array<ArrayBuffer>
  readonly method: string
  /** Without the query. */
  readonly path: string
}

export interface OpenedBody {
  readonly message: SealedMessage
  /** What seals the answer. */
  readonly secret: AnswerSecret
}

/** An answer to seal. Plain data: it may cross to another thread. */
export interface AnswerToSeal {
  readonly head: SealedMessage['head']
  readonly body: Uint8Array<ArrayBuffer>
  readonly secret: AnswerSecret
}

/**
 * @param key a pair, or the private key's bytes
 * @throws {ValidationError} `options-invalid`: it is no sealed request, or was changed on its way
 */
export async function openSealed(
  { bytes, method, path }: SealedToOpen,
  key: SealingKeyPair | ArrayBuffer,
): Promise<OpenedBody> {
  const own = 'privateKey' in key ? key : await importPrivateKey(key)
  const opened = await openRequest(bytes, async () => own, { method, path })
  if (opened === undefined) throw new Error('the key is there')
  const { message, secret } = opened
  return { message, secret }
}

export const sealAnswer = async ({ head, body, secret }: AnswerToSeal): Promise<Uint8Array<ArrayBuffer>> =>
  (await answerSeal(secret)).seal({ head, body })

/** Bytes that are copied a few times over in a few milliseconds. */
const lightBytes = 2 ** 20

export const isLightSeal = (body: Uint8Array): boolean => body.length <= lightBytes
