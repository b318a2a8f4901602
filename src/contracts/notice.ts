import * as v from 'valibot'
import { object } from './object-schemas.ts'

/** Where an endpoint tells devices something, below its base address. */
export const noticesPath = '/hither/v1/notices'

/** PostgreSQL keeps no NUL. */
const text = (maxLength: number) =>
  v.pipe(
    v.string(),
    v.minLength(1),
    v.maxLength(maxLength),
    v.check((value) => !value.includes('\0'), 'a text can not hold a NUL'),
  )
const epochMs = v.pipe(v.number(), v.finite(), v.minValue(0), v.maxValue(1e14))

/** What an operator says: that a model must not be used any more, that a region is down, or a sentence for people. */
export const noticeBodySchema = v.variant('kind', [
  object({
    kind: v.literal('model-withdrawn'),
    model: text(200),
    /** Without one, every revision. */
    revision: v.optional(text(100)),
    why: v.optional(text(300)),
  }),
  object({
    kind: v.literal('region-down'),
    /** Base address of the endpoint that devices should not ask. */
    url: v.pipe(v.string(), v.url(), v.maxLength(500)),
    why: v.optional(text(300)),
  }),
  object({ kind: v.literal('message'), text: text(500) }),
])
export type NoticeBody = v.InferOutput<typeof noticeBodySchema>

export const newNoticeSchema = object({
  body: noticeBodySchema,
  /** When it is over, in milliseconds since the epoch. Without one it holds until it is taken back. */
  untilMs: v.optional(epochMs),
})

export const noticeSchema = object({ id: text(100), createdMs: epochMs, ...newNoticeSchema.entries })
export type Notice = v.InferOutput<typeof noticeSchema>

/** Answer of `GET /hither/v1/notices`. One that a device does not understand is for a newer one. */
export const noticesSchema = object({ notices: v.pipe(v.array(v.unknown()), v.maxLength(200)) })
