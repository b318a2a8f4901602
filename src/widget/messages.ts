import * as v from 'valibot'
import { looseObject, object, strictObject } from '../contracts/object-schemas.ts'
import { privacyModes, type RouteRecord } from '../index.ts'
import { instanceSchema } from '../utils/instance-schema.ts'

/** What both ends say first, so that a script and a frame of different releases do not talk past each other. */
export const protocolVersion = 2

/** Longest text and largest file that are taken. */
export const mostCharacters = 100_000
export const mostBytes = 64 * 1024 * 1024

const name = v.pipe(v.string(), v.maxLength(200))
const address = v.pipe(v.string(), v.maxLength(2000), v.url())

export const privacySchema = v.optional(v.picklist(privacyModes))

/** What the widget's engine is made with. */
export const engineOptionsSchema = strictObject({
  task: name,
  model: v.optional(name),
  endpoint: v.optional(address),
  privacy: privacySchema,
})
export type EngineOptions = v.InferOutput<typeof engineOptionsSchema>

/** The frame to the page, by `window.postMessage`: it is ready. */
export const helloSchema = strictObject({ type: v.literal('hither-hello'), version: v.number() })

/** The page to the frame, by `window.postMessage`, with the port for all that follows. */
export const connectSchema = strictObject({
  type: v.literal('hither-connect'),
  version: v.literal(protocolVersion),
  options: engineOptionsSchema,
})

const smallBlob = v.pipe(
  instanceSchema('Blob'),
  v.check(({ size }) => size <= mostBytes, 'too large'),
)
const inputSchema = v.variant('kind', [
  strictObject({ kind: v.literal('text'), text: v.pipe(v.string(), v.maxLength(mostCharacters)) }),
  strictObject({ kind: v.literal('picture'), picture: v.union([smallBlob, instanceSchema('ImageBitmap')]) }),
  strictObject({ kind: v.literal('sound'), sound: smallBlob }),
])
export type EngineInput = v.InferOutput<typeof inputSchema>

/** Arguments of the engine's methods: what the page may ask of the frame, by the port. */
export const runArguments = v.strictTuple([
  inputSchema,
  strictObject({ signal: instanceSchema('AbortSignal'), privacy: privacySchema }),
])

const bytes = v.pipe(v.number(), v.finite(), v.minValue(0))
/** What a page of another origin hears of an error: neither its stack nor its causes. */
export const errorSchema = strictObject({ code: v.optional(name), message: v.pipe(v.string(), v.maxLength(2000)) })
export type EngineError = v.InferOutput<typeof errorSchema>

/** A route's record comes from the frame's own origin, of the same release; what is shown of it is checked. */
const routeSchema = looseObject({
  id: name,
  model: name,
  ran: v.picklist(['edge', 'cloud']),
  reason: name,
  why: v.pipe(v.string(), v.maxLength(2000)),
  actualMs: v.number(),
  predicted: looseObject({}),
  parts: looseObject({}),
  known: v.optional(looseObject({ links: v.array(looseObject({})), edgeMeasured: v.optional(v.boolean()) })),
  other: v.optional(looseObject({ arm: v.picklist(['edge', 'cloud']), ms: v.number(), known: name })),
  attempts: v.array(looseObject({ arm: v.picklist(['edge', 'cloud']), ms: v.number() })),
})

export const resultSchema = object({ answer: looseObject({}), route: routeSchema })

/** Arguments of the events that the frame tells the page of. */
export const progressArguments = v.strictTuple([strictObject({ loadedBytes: bytes, totalBytes: bytes })])
export const stateArguments = v.strictTuple([name])
export const textArguments = v.strictTuple([
  looseObject({
    text: v.string(),
    tokens: v.number(),
    arm: v.optional(v.picklist(['edge', 'cloud'])),
    moves: v.array(
      looseObject({
        at: v.number(),
        from: v.picklist(['edge', 'cloud']),
        to: v.picklist(['edge', 'cloud']),
        reason: v.picklist(['failed', 'stalled', 'offline', 'heat', 'battery', 'faster']),
        why: v.string(),
      }),
    ),
    tokensPerSecond: v.optional(v.number()),
    reading: v.optional(strictObject({ read: v.number(), of: v.number() })),
  }),
])
export const measuredArguments = v.strictTuple([routeSchema])

/** A message as it should be; undefined for anything else. */
export function readMessage<T>(schema: v.GenericSchema<unknown, T>, message: unknown): T | undefined {
  const parsed = v.safeParse(schema, message)
  return parsed.success ? parsed.output : undefined
}

/** A checked record as the library's type. */
export const toRoute = (route: v.InferOutput<typeof routeSchema>): RouteRecord => route as unknown as RouteRecord
