import * as v from 'valibot'
import { privacyModes, type RouteRecord } from '../index.ts'

/** What both ends say first, so that a script and a frame of different releases do not talk past each other. */
export const protocolVersion = 1

/** Longest text and largest file that are taken. */
export const mostCharacters = 100_000
export const mostBytes = 64 * 1024 * 1024

const name = v.pipe(v.string(), v.maxLength(200))
const address = v.pipe(v.string(), v.maxLength(2000), v.url())

/** What the widget's engine is made with. */
const engineOptionsSchema = v.strictObject({
  task: name,
  model: v.optional(name),
  endpoint: v.optional(address),
  privacy: v.optional(v.picklist(privacyModes)),
})
export type EngineOptions = v.InferOutput<typeof engineOptionsSchema>

/** The frame to the page, by `window.postMessage`: it is ready. */
export const helloSchema = v.strictObject({ type: v.literal('hither-hello'), version: v.number() })

/** The page to the frame, by `window.postMessage`, with the port for all that follows. */
export const connectSchema = v.strictObject({
  type: v.literal('hither-connect'),
  version: v.literal(protocolVersion),
  options: engineOptionsSchema,
})

const id = v.pipe(v.number(), v.safeInteger())
const smallBlob = v.pipe(
  v.instance(Blob),
  v.check(({ size }) => size <= mostBytes, 'too large'),
)
const inputSchema = v.variant('kind', [
  v.strictObject({ kind: v.literal('text'), text: v.pipe(v.string(), v.maxLength(mostCharacters)) }),
  v.strictObject({ kind: v.literal('picture'), picture: v.union([smallBlob, v.instance(ImageBitmap)]) }),
  v.strictObject({ kind: v.literal('sound'), sound: smallBlob }),
])
export type EngineInput = v.InferOutput<typeof inputSchema>

/** The page to the frame, by the port. */
export const askSchema = v.variant('type', [
  v.strictObject({ type: v.literal('run'), id, input: inputSchema, privacy: v.optional(v.picklist(privacyModes)) }),
  v.strictObject({ type: v.literal('abort'), id }),
  v.strictObject({ type: v.literal('prepare'), id }),
  v.strictObject({ type: v.literal('close') }),
])
export type Ask = v.InferOutput<typeof askSchema>

const bytes = v.pipe(v.number(), v.finite(), v.minValue(0))
const errorSchema = v.strictObject({ code: v.optional(name), message: v.pipe(v.string(), v.maxLength(2000)) })
export type EngineError = v.InferOutput<typeof errorSchema>

/** A route's record comes from the frame's own origin, of the same release; what is shown of it is checked. */
const routeSchema = v.looseObject({
  id: name,
  model: name,
  ran: v.picklist(['edge', 'cloud']),
  reason: name,
  why: v.pipe(v.string(), v.maxLength(2000)),
  actualMs: v.number(),
  predicted: v.looseObject({}),
  parts: v.looseObject({}),
  attempts: v.array(v.looseObject({ arm: v.picklist(['edge', 'cloud']), ms: v.number() })),
})

/** The frame to the page, by the port. */
export const tellSchema = v.variant('type', [
  v.strictObject({ type: v.literal('result'), id, answer: v.looseObject({}), route: routeSchema }),
  v.strictObject({ type: v.literal('prepared'), id }),
  v.strictObject({ type: v.literal('error'), id, error: errorSchema }),
  v.strictObject({ type: v.literal('progress'), loadedBytes: bytes, totalBytes: bytes }),
  v.strictObject({ type: v.literal('state'), status: name }),
])
export type Tell = v.InferOutput<typeof tellSchema>

/** A message as one of the kinds it may be; undefined for anything else, which is ignored. */
export function readMessage<T>(schema: v.GenericSchema<unknown, T>, message: unknown): T | undefined {
  const parsed = v.safeParse(schema, message)
  return parsed.success ? parsed.output : undefined
}

/** A checked record as the library's type. */
export const toRoute = (route: v.InferOutput<typeof routeSchema>): RouteRecord => route as unknown as RouteRecord
