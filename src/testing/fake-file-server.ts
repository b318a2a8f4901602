/** What goes wrong with one request. Positions count from the file's first byte. */
export interface FakeFault {
  /** fetch itself rejects, as without a network. */
  readonly offline?: true
  /** No answer ever comes. */
  readonly silent?: true
  readonly status?: number
  /** The connection breaks before this byte. */
  readonly cutAt?: number
  /** The body ends before this byte as if it were whole. */
  readonly endAt?: number
  /** The body falls silent before this byte. */
  readonly stallAt?: number
  /** This byte arrives with one bit flipped. */
  readonly flipAt?: number
  /** More bytes follow the file's last one. */
  readonly tooLong?: number
  readonly ignoreRange?: true
  readonly ignoreIfRange?: true
  /** Replaces the Content-Range header of a 206; `null` leaves it out. */
  readonly contentRange?: string | null
  /** A web page instead of the file. */
  readonly html?: string
}

export interface FakeRequest {
  readonly url: string
  readonly range: string | null
  readonly ifRange: string | null
}

/** A file server behind `fetch`, made of real Responses and streams, with faults on order. */
export interface FakeFileServer {
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>
  readonly requests: FakeRequest[]
  /** Bytes of bodies that were read from it. */
  readonly sentBytes: number
  /** Bodies that the reader gave up before their end. */
  readonly cancelled: number
  /** Files by path; a test may change them. */
  readonly files: Map<
    string,
    { readonly bytes: Uint8Array<ArrayBuffer>; readonly etag?: string; readonly type?: string }
  >
  /** Faults for the next requests, one each; `undefined` is a request that goes well. */
  faults: (FakeFault | undefined)[]
  /** The fault of every request for which `faults` has none left. */
  lastingFault: FakeFault | undefined
  /** Called at each piece of a body that is about to be sent, and when the server falls silent. */
  onPiece: (position: number) => void
  onSilence: () => void
}

export function createFakeFileServer(
  files: Record<
    string,
    Uint8Array<ArrayBuffer> | { readonly bytes: Uint8Array<ArrayBuffer>; readonly etag?: string }
  > = {},
  { pieceBytes = 300 } = {},
): FakeFileServer {
  let sentBytes = 0
  let cancelled = 0
  const server: FakeFileServer = {
    requests: [],
    files: new Map(
      Object.entries(files).map(([path, file]) => [path, file instanceof Uint8Array ? { bytes: file } : file]),
    ),
    faults: [],
    lastingFault: undefined,
    onPiece: () => {},
    onSilence: () => {},
    get sentBytes() {
      return sentBytes
    },
    get cancelled() {
      return cancelled
    },
    async fetch(url, init) {
      const headers = new Headers(init.headers)
      const range = headers.get('Range')
      const ifRange = headers.get('If-Range')
      server.requests.push({ url, range, ifRange })
      const fault = (server.faults.length > 0 ? server.faults.shift() : server.lastingFault) ?? {}
      init.signal?.throwIfAborted()
      if (fault.offline) throw new TypeError('Failed to fetch')
      if (fault.silent) return silence(init.signal)
      if (fault.status !== undefined) return new Response('no', { status: fault.status })
      if (fault.html !== undefined) return new Response(fault.html, { headers: { 'Content-Type': 'text/html' } })
      const file = server.files.get(new URL(url).pathname)
      if (file === undefined) return new Response('Not found', { status: 404 })
      return answer(file, fault, range, ifRange, init.signal ?? undefined)
    },
  }

  function silence(signal: AbortSignal | null | undefined): Promise<Response> {
    server.onSilence()
    return new Promise((_, reject) => {
      if (signal?.aborted) reject(signal.reason)
      signal?.addEventListener('abort', () => reject(signal.reason))
    })
  }

  function answer(
    file: { readonly bytes: Uint8Array; readonly etag?: string; readonly type?: string },
    fault: FakeFault,
    range: string | null,
    ifRange: string | null,
    signal: AbortSignal | undefined,
  ): Response {
    const total = file.bytes.byteLength
    const match = /^bytes=(\d+)-(\d*)$/.exec(range ?? '')
    const isCurrent = ifRange === null || ifRange === file.etag || fault.ignoreIfRange === true
    const isPart = match !== null && isCurrent && fault.ignoreRange !== true
    const start = isPart ? Number(match[1]) : 0
    const end = isPart && match[2] ? Math.min(total, Number(match[2]) + 1) : total
    if (start >= total) return new Response(null, { status: 416 })
    const headers = new Headers({ 'Content-Type': file.type ?? 'application/octet-stream' })
    if (file.etag !== undefined) headers.set('ETag', file.etag)
    if (isPart && fault.contentRange !== null) {
      headers.set('Content-Range', fault.contentRange ?? `bytes ${start}-${end - 1}/${total}`)
    }
    const body = new Uint8Array(end - start + (fault.tooLong ?? 0))
    body.set(file.bytes.subarray(start, end))
    const flip = (fault.flipAt ?? -1) - start
    if (flip >= 0 && flip < body.length) body[flip] = (body[flip] ?? 0) ^ 1
    return new Response(stream(body, start, fault, signal), { status: isPart ? 206 : 200, headers })
  }

  function stream(body: Uint8Array, start: number, fault: FakeFault, signal: AbortSignal | undefined) {
    const { cutAt = Infinity, endAt = Infinity, stallAt = Infinity } = fault
    const stop = Math.min(cutAt, endAt, stallAt) - start
    let at = 0
    return new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          // As a real body does, this one breaks when its request is aborted.
          signal?.addEventListener('abort', () => controller.error(signal.reason))
        },
        pull: (controller) => {
          if (at >= stop) {
            if (stop === endAt - start) return controller.close()
            if (stop === cutAt - start) return controller.error(new TypeError('network error'))
            server.onSilence()
            return new Promise<void>(() => {})
          }
          if (at >= body.length) return controller.close()
          server.onPiece(start + at)
          const piece = body.slice(at, Math.min(at + pieceBytes, stop))
          at += piece.length
          sentBytes += piece.length
          return controller.enqueue(piece)
        },
        cancel: () => {
          cancelled += 1
        },
      },
      { highWaterMark: 0 },
    )
  }
  return server
}

/** Bytes that do not compress and are the same in every run. */
export function fakeBytes(length: number, seed = 1): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length)
  let state = seed >>> 0 || 1
  for (let index = 0; index < length; index += 1) {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    bytes[index] = state & 0xff
  }
  return bytes
}
