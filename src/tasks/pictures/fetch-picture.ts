import { ValidationError } from '../../errors/validation-error.ts'
import { baseAddress, ownOrigin } from '../../utils/page-address.ts'
import { checkPictureBytes } from './picture-limits.ts'

const refuse = (message: string, cause?: unknown) => new ValidationError('picture-unreadable', message, { cause })

/** The body, or `undefined` when it is not as long as the server said: a cut one can end as if it were whole. */
async function fetchOnce(url: URL, signal: AbortSignal | undefined): Promise<Blob | undefined> {
  const response = await fetch(url, { mode: 'same-origin', ...(signal === undefined ? {} : { signal }) })
  if (!response.ok) throw refuse(`The picture could not be fetched: the server answered ${response.status}.`)
  // A page that stands in for what is not there.
  if (response.headers.get('Content-Type')?.startsWith('text/html'))
    throw refuse('There is no picture at this address.')
  // Of a compressed body the length is of another thing than what is read.
  const declared = response.headers.has('Content-Encoding') ? 0 : Number(response.headers.get('Content-Length') ?? 0)
  if (declared > 0) checkPictureBytes(declared)
  const blob = await response.blob()
  if (declared > 0 && blob.size !== declared) return undefined
  checkPictureBytes(blob.size)
  return blob
}

/**
 * Fetches a picture of the page's own origin. Another origin's is refused, also after a redirect: what a page may not
 * read, a model must not see for it. One that arrives only in part is fetched once more, then refused.
 *
 * @throws {ValidationError} `picture-unreadable`, `picture-too-large`
 * @throws the signal's reason
 */
export async function fetchPicture(address: string | URL, signal?: AbortSignal): Promise<Blob> {
  const base = baseAddress()
  if (!URL.canParse(String(address), base)) throw refuse('This address of a picture cannot be used.')
  const url = new URL(address, base)
  if (url.origin !== ownOrigin()) {
    throw refuse('A picture is fetched from the page’s own site only. Load it yourself and give it as a file.')
  }
  try {
    const blob = (await fetchOnce(url, signal)) ?? (await fetchOnce(url, signal))
    if (blob === undefined) throw refuse('Only a part of the picture arrived. Try again.')
    return blob
  } catch (error) {
    signal?.throwIfAborted()
    if (error instanceof ValidationError) throw error
    throw refuse('The picture could not be fetched.', error)
  }
}
