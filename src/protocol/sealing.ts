import { Aes128Gcm, CipherSuite, HkdfSha256 } from '@hpke/core'
import { DhkemX25519HkdfSha256 } from '@hpke/dhkem-x25519'
import * as v from 'valibot'
import { object } from '../contracts/object-schemas.ts'
import { ValidationError } from '../errors/validation-error.ts'
import { isInstance } from '../utils/is-instance.ts'
import { toJson } from '../utils/to-json.ts'

/** Media type of a sealed request and of its answer. */
export const sealedType = 'application/hither-sealed'

/** Where an endpoint publishes its keys, below its base address. */
export const keysPath = '/.well-known/hither-keys'

const keySchema = object({
  /** Sixteen hex digits. */
  id: v.pipe(v.string(), v.regex(/^[0-9a-f]{16}$/)),
  suite: v.literal('X25519-HKDF-SHA256-AES-128-GCM'),
  /** The raw public key in base64url. */
  publicKey: v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]{43}$/)),
  /** Time after which nothing should be sealed to it, ISO 8601. */
  notAfter: v.pipe(v.string(), v.isoTimestamp()),
})

/** What `GET /.well-known/hither-keys` answers: keys to seal to, the one to use first. */
export const sealingKeysSchema = object({ format: v.literal(1), keys: v.pipe(v.array(keySchema), v.minLength(1)) })

export type SealingKey = v.InferOutput<typeof keySchema>
export type SealingKeys = v.InferOutput<typeof sealingKeysSchema>

/** WebCrypto's key, which the types of browsers and of Node name differently. */
type Key = Awaited<ReturnType<typeof crypto.subtle.importKey>>

export interface SealingKeyPair {
  readonly privateKey: Key
  readonly publicKey: Key
}

/** A body and what must be known of it, together under the seal. */
export interface SealedMessage {
  /** Headers that tell how to read the body; of an answer also its `status`. */
  readonly head: Readonly<Record<string, string | number>>
  readonly body: Uint8Array
}

/** Seals the answer to a request that was opened, or opens it. */
export interface AnswerSeal {
  seal(message: SealedMessage): Promise<Uint8Array<ArrayBuffer>>
  open(bytes: Uint8Array): Promise<SealedMessage>
}

/** What seals the answer to one request, as plain data. */
export interface AnswerSecret {
  readonly secret: ArrayBuffer
  /** The request's encapsulated key. */
  readonly enc: ArrayBuffer
}

const version = 1
const idBytes = 8
const encBytes = 32
const nonceBytes = 12
const answerInfo = 'hither sealed answer v1'
const requestInfo = 'hither sealed request v1'

const utf8 = new TextEncoder()

export const createSuite = () =>
  new CipherSuite({ kem: new DhkemX25519HkdfSha256(), kdf: new HkdfSha256(), aead: new Aes128Gcm() })

/** What the seal of a request also covers: a sealed body can't be sent to another model or with another method. */
const boundTo = (method: string, path: string) => own(utf8.encode(`${method} ${path}`))

/**
 * Seals a request to an endpoint's key: HPKE in base mode (RFC 9180). The answer is sealed with a key that both sides
 * derive from the same exchange, as Oblivious HTTP does.
 *
 * Layout: version (1 byte), key id (8), encapsulated key (32), ciphertext.
 *
 * Source: RFC 9180; RFC 9458, section 4.4, for the answer
 *
 * @param target.path below the base address, from `/v2` on: proxies may have put something before it
 */
export async function sealRequest(
  message: SealedMessage,
  key: SealingKey,
  target: { readonly method: string; readonly path: string },
): Promise<{ readonly bytes: Uint8Array<ArrayBuffer>; readonly answer: AnswerSeal }> {
  const suite = createSuite()
  const recipientPublicKey = await suite.kem.deserializePublicKey(own(fromBase64Url(key.publicKey)))
  const sender = await suite.createSenderContext({ recipientPublicKey, info: own(utf8.encode(requestInfo)) })
  const sealed = await sender.seal(own(toPlain(message)), boundTo(target.method, target.path))
  const { enc } = sender
  const bytes = join(new Uint8Array([version]), fromHex(key.id), new Uint8Array(enc), new Uint8Array(sealed))
  return { bytes, answer: await answerSeal({ secret: await exportSecret(sender), enc }) }
}

/** The key that a request is sealed to. @throws {ValidationError} `options-invalid`: it is no sealed request */
export function keyIdOf(bytes: Uint8Array): string {
  if (bytes[0] !== version || bytes.length < 1 + idBytes + encBytes) throw unreadable()
  return toHex(bytes.subarray(1, 1 + idBytes))
}

/** A key pair's private key as bytes, which can cross to another thread as the key can't, and the key again. */
export const exportPrivateKey = ({ privateKey }: SealingKeyPair): Promise<ArrayBuffer> =>
  createSuite().kem.serializePrivateKey(privateKey)
export const importPrivateKey = (bytes: ArrayBuffer): Promise<Key> => createSuite().kem.deserializePrivateKey(bytes)

interface Opened {
  readonly message: SealedMessage
  readonly answer: AnswerSeal
  readonly secret: AnswerSecret
}

/**
 * Opens a sealed request.
 *
 * @param findKey the key pair of an id, or its private key; undefined when it is not known, or not any more
 * @returns undefined when its key is not known: the other side must fetch the keys again. `answer` seals what answers it;
 *   so does `answerSeal(secret)`, in another thread
 * @throws {ValidationError} `options-invalid`: it is no sealed request, or was changed on its way
 */
export async function openRequest(
  bytes: Uint8Array,
  findKey: (id: string) => Promise<SealingKeyPair | Key | undefined>,
  target: { readonly method: string; readonly path: string },
): Promise<Opened | undefined> {
  const recipientKey = await findKey(keyIdOf(bytes))
  if (recipientKey === undefined) return undefined
  const start = 1 + idBytes + encBytes
  const enc = own(bytes.subarray(1 + idBytes, start))
  try {
    const recipient = await createSuite().createRecipientContext({
      recipientKey,
      enc,
      info: own(utf8.encode(requestInfo)),
    })
    const plain = await recipient.open(own(bytes.subarray(start)), boundTo(target.method, target.path))
    const secret = { secret: await exportSecret(recipient), enc }
    return { message: fromPlain(new Uint8Array(plain)), answer: await answerSeal(secret), secret }
  } catch (cause) {
    throw unreadable(cause)
  }
}

const unreadable = (cause?: unknown) =>
  new ValidationError(
    'options-invalid',
    'The sealed request can not be opened: it is damaged, or meant for another address.',
    {
      cause,
    },
  )

/** Both sides of the exchange come to the same. */
const exportSecret = (context: { export(info: ArrayBuffer, length: number): Promise<ArrayBuffer> }) =>
  context.export(own(utf8.encode(answerInfo)), 32)

/** A fresh nonce for each answer, and a key of its own for it: the same request sent twice shares nothing. */
export async function answerSeal({ secret, enc }: AnswerSecret): Promise<AnswerSeal> {
  const base = await crypto.subtle.importKey('raw', secret, 'HKDF', false, ['deriveKey'])
  const keyFor = (nonce: Uint8Array, usage: 'encrypt' | 'decrypt') =>
    crypto.subtle.deriveKey(
      {
        name: 'HKDF',
        hash: 'SHA-256',
        salt: own(join(new Uint8Array(enc), nonce)),
        info: own(utf8.encode(answerInfo)),
      },
      base,
      { name: 'AES-GCM', length: 128 },
      false,
      [usage],
    )
  return {
    async seal(message) {
      const nonce = crypto.getRandomValues(new Uint8Array(nonceBytes))
      const key = await keyFor(nonce, 'encrypt')
      const sealed = await crypto.subtle.encrypt({ name: 'AES-GCM', iv: nonce }, key, own(toPlain(message)))
      return join(nonce, new Uint8Array(sealed))
    },
    async open(bytes) {
      const nonce = own(bytes.subarray(0, nonceBytes))
      const key = await keyFor(new Uint8Array(nonce), 'decrypt')
      const plain = await crypto.subtle.decrypt({ name: 'AES-GCM', iv: nonce }, key, own(bytes.subarray(nonceBytes)))
      return fromPlain(new Uint8Array(plain))
    },
  }
}

const headSchema = v.record(v.string(), v.union([v.string(), v.number()]))

/** A 32-bit length, the head as JSON padded so that the body lies at a multiple of 8, the body. */
function toPlain({ head, body }: SealedMessage): Uint8Array {
  const json = utf8.encode(toJson(head))
  const start = Math.ceil((4 + json.length) / 8) * 8
  const plain = new Uint8Array(start + body.length).fill(0x20, 4, start)
  new DataView(plain.buffer).setUint32(0, start - 4, true)
  plain.set(json, 4)
  plain.set(body, start)
  return plain
}

function fromPlain(plain: Uint8Array): SealedMessage {
  const length = new DataView(plain.buffer, plain.byteOffset, plain.byteLength).getUint32(0, true)
  if (4 + length > plain.length) throw new RangeError('the head is longer than the message')
  const head = v.parse(headSchema, JSON.parse(new TextDecoder().decode(plain.subarray(4, 4 + length))))
  return { head, body: plain.subarray(4 + length) }
}

/** WebCrypto takes the whole buffer of what it is given here. */
const own = (bytes: Uint8Array): ArrayBuffer =>
  isInstance(bytes.buffer, 'ArrayBuffer') && bytes.byteLength === bytes.buffer.byteLength
    ? bytes.buffer
    : new Uint8Array(bytes).buffer

function join(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const part of parts) {
    bytes.set(part, at)
    at += part.length
  }
  return bytes
}

export const toHex = (bytes: Uint8Array): string =>
  Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')

const fromHex = (hex: string): Uint8Array =>
  Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16))

export const toBase64Url = (bytes: Uint8Array): string =>
  btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replace(/=+$/, '')

const fromBase64Url = (text: string): Uint8Array =>
  Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (character) => character.charCodeAt(0))
