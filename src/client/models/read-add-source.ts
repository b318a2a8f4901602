import { isHitherError } from '../../errors/hither-error.ts'
import { ValidationError } from '../../errors/validation-error.ts'
import type { GivenFile } from '../../models/catalogue/add-source.ts'
import { classOf } from '../../utils/class-of.ts'
import { isInstance } from '../../utils/is-instance.ts'
import { baseAddress } from '../../utils/page-address.ts'

/** What was given to add a model, as the worker takes it: files in the page's hands, or an address that it fetches. */
export type ReadSource = { readonly files: readonly GivenFile[] } | { readonly url: string }

/** A Blob or a File of any realm. */
export const isBlob = (value: unknown): value is Blob => isInstance(value, 'Blob')

/** Bytes as a Blob; undefined for anything else. What is shared with other threads is copied. */
export function bytesToBlob(value: unknown): Blob | undefined {
  if (['ArrayBuffer', 'SharedArrayBuffer'].includes(classOf(value))) {
    return new Blob([new Uint8Array(value as ArrayBuffer).slice()])
  }
  if (!ArrayBuffer.isView(value)) return undefined
  return new Blob([new Uint8Array(value.buffer, value.byteOffset, value.byteLength).slice()])
}

/** A handle of the system's file chooser, by its shape: it may be a library's for browsers that have none. */
const isHandle = (value: unknown, kind: 'file' | 'directory'): boolean =>
  typeof value === 'object' && value !== null && 'kind' in value && value.kind === kind

export const isFolder = (value: unknown): value is FileSystemDirectoryHandle =>
  isHandle(value, 'directory') && 'values' in Object(value)

/** Opens a file's handle; gives anything else as it is. */
export const openHandle = async (value: unknown): Promise<unknown> =>
  isHandle(value, 'file') && 'getFile' in Object(value) ? (value as FileSystemFileHandle).getFile() : value

/** What a thing is, for a sentence about it. */
export function describeGiven(value: unknown): string {
  if (value === null || value === undefined) return String(value)
  return typeof value === 'object' || typeof value === 'function'
    ? `an object (${classOf(value)})`
    : `a ${typeof value}`
}

const wanted = 'Give an .onnx file, its bytes, its address, or a list of the file and its weights'

async function toFile(given: unknown): Promise<GivenFile> {
  const value = await openHandle(given)
  const blob = isBlob(value) ? value : bytesToBlob(value)
  if (blob === undefined) {
    throw new ValidationError('options-invalid', `${wanted}; ${describeGiven(given)} is none of these.`)
  }
  const { name = '', webkitRelativePath = '' } = blob as Partial<File>
  return { name: String(webkitRelativePath || name), blob }
}

const badAddress = (address: string, why: string) =>
  new ValidationError('address-invalid', `“${address.slice(0, 100)}” ${why}`)

/** `data:[type][;base64],…` @see https://www.rfc-editor.org/rfc/rfc2397 */
function readDataAddress(address: string): Blob {
  const [, head = '', body] = /^data:([^,]*),(.*)$/is.exec(address) ?? []
  try {
    if (body === undefined) throw new SyntaxError('no comma')
    const escaped = body.replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
    const text = /;\s*base64\s*$/i.test(head) ? atob(escaped) : escaped
    return new Blob([Uint8Array.from(text, (char) => char.charCodeAt(0))])
  } catch (cause) {
    throw new ValidationError('address-invalid', 'This data: address cannot be read. Give the bytes themselves.', {
      cause,
    })
  }
}

/** An address that this page made of a file. */
async function readBlobAddress(address: string): Promise<Blob> {
  try {
    return await (await globalThis.fetch(address)).blob()
  } catch (cause) {
    throw new ValidationError(
      'address-invalid',
      'This blob: address cannot be read: it was given back, or this page may not fetch it. Give the file itself.',
      { cause },
    )
  }
}

async function readAddress(given: string): Promise<ReadSource> {
  const address = given.trim()
  const base = baseAddress()
  if (address === '' || !URL.canParse(address, base)) {
    throw badAddress(
      address,
      'is no address. Give that of an .onnx file, such as https://example.com/model.onnx, or of a repository on a hub.',
    )
  }
  const url = new URL(address, base)
  if (url.protocol === 'data:') return { files: [{ name: '', blob: readDataAddress(url.href) }] }
  if (url.protocol === 'blob:') return { files: [{ name: '', blob: await readBlobAddress(url.href) }] }
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw badAddress(
      address,
      'cannot be fetched by a page. Give an address that begins with https://, or the file itself.',
    )
  }
  if (url.username !== '' || url.password !== '') {
    // The address itself is not repeated: it holds a password.
    throw new ValidationError(
      'address-invalid',
      `A page cannot fetch an address with a user name in it. Leave it out, and give a token for ${url.origin} in the option storage.tokens.`,
    )
  }
  return { url: url.href }
}

const isAddress = (value: unknown): boolean => ['String', 'URL'].includes(classOf(value))

const isList = (source: unknown): source is Iterable<unknown> =>
  typeof source === 'object' && source !== null && Symbol.iterator in source && !ArrayBuffer.isView(source)

/**
 * An error of ours as it is; any other one as the refusal of what was given, which may throw wherever it is touched: a
 * file that has moved, bytes that were handed to another thread, a proxy that was revoked.
 */
export const toGivenError = (error: unknown): unknown =>
  isHitherError(error)
    ? error
    : new ValidationError(
        'options-invalid',
        'What was given cannot be read: it was moved, changed, closed or handed over since, or this page may not read it. Choose it again.',
        { cause: error },
      )

/**
 * Reads what `models.add` was given, whatever a page without types gives.
 *
 * @throws {ValidationError} `address-invalid`: no address, or none that a page can fetch; `options-invalid`: neither a
 *   file nor an address, or it cannot be read
 */
export async function readAddSource(source: unknown): Promise<ReadSource> {
  try {
    return await readSource(source)
  } catch (error) {
    throw toGivenError(error)
  }
}

async function readSource(source: unknown): Promise<ReadSource> {
  if (isAddress(source)) return readAddress(String(source))
  const given = isList(source) ? [...source] : [source]
  const [only] = given
  if (given.length > 1 && given.every(isAddress)) {
    throw new ValidationError('options-invalid', `These are ${given.length} addresses. Add one model at a time.`)
  }
  if (given.length === 1 && isAddress(only)) return readAddress(String(only))
  if (given.length === 0) throw new ValidationError('options-invalid', `${wanted}; the list is empty.`)
  return { files: await Promise.all(given.map(toFile)) }
}
