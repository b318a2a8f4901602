import * as v from 'valibot'
import { object } from './object-schemas.ts'

const nameSchema = v.pipe(v.string(), v.minLength(1))
const shareSchema = v.pipe(v.number(), v.finite(), v.minValue(0), v.maxValue(1))
const msSchema = v.pipe(v.number(), v.finite(), v.minValue(0), v.maxValue(60_000))

/** One probability or score for each label. */
const classesSchema = object({
  kind: v.literal('classes'),
  output: nameSchema,
  /** The output holds logits, which become probabilities here. Default false. */
  softmax: v.optional(v.boolean()),
})

const overlapEntries = {
  /** Fainter finds are left out. */
  minScore: shareSchema,
  /** Of two finds that overlap by more than this (intersection over union), the fainter is left out. */
  maxOverlap: shareSchema,
  /** Finds of different labels leave each other alone. Default false. */
  overlapByLabel: v.optional(v.boolean()),
}

/** Boxes that the model has worked out: `[1, n, 4]`, and scores `[1, n, classes]`. */
const boxesSchema = object({
  kind: v.literal('boxes'),
  boxes: nameSchema,
  scores: nameSchema,
  /** `corners`: left, top, right, bottom; `centre`: middle x and y, width, height. As shares of the input's sides. */
  form: v.picklist(['corners', 'centre']),
  /** The class that stands for nothing; the labels are those of the others. */
  background: v.optional(v.pipe(v.number(), v.safeInteger(), v.minValue(0))),
  ...overlapEntries,
})

/**
 * One find for each cell of a grid, `[1, 5 + classes, rows, columns]`: how sure it is that something is there, the
 * middle's distance from the cell's corner in cells, width and height as shares of the input, the classes.
 */
const gridSchema = object({
  kind: v.literal('grid'),
  output: nameSchema,
  /** What the distance goes through. The size goes through a sigmoid. */
  offset: v.picklist(['tanh', 'sigmoid']),
  /** score = object ^ objectPower × class ^ classPower */
  objectPower: v.pipe(v.number(), v.finite(), v.minValue(0), v.maxValue(4)),
  classPower: v.pipe(v.number(), v.finite(), v.minValue(0), v.maxValue(4)),
  ...overlapEntries,
})

/** One probability for each window of sound. */
const activitySchema = object({
  kind: v.literal('activity'),
  output: nameSchema,
  /** It begins at this probability. */
  from: shareSchema,
  /** It ends below this one. */
  until: shareSchema,
  /** A pause shorter than this is part of it. */
  minPauseMs: msSchema,
  /** Anything shorter is left out. */
  minLengthMs: msSchema,
})

/** A vector that stands for what was given: `[1, size]`, or one for each token, `[1, tokens, size]`, which is pooled. */
const embeddingSchema = object({
  kind: v.literal('embedding'),
  output: nameSchema,
  /** Of one vector for each token: their mean, the first one or the last one. `none`: there is one already. */
  pooling: v.picklist(['none', 'mean', 'first', 'last']),
  /** Scale the vector to length 1. Default false. */
  normalize: v.optional(v.boolean()),
})

/** How the model's outputs become an answer. */
export const decodingSchema = v.variant('kind', [
  classesSchema,
  boxesSchema,
  gridSchema,
  activitySchema,
  embeddingSchema,
])

export type Decoding = v.InferOutput<typeof decodingSchema>
export type ClassesDecoding = v.InferOutput<typeof classesSchema>
export type BoxesDecoding = v.InferOutput<typeof boxesSchema>
export type GridDecoding = v.InferOutput<typeof gridSchema>
export type EmbeddingDecoding = v.InferOutput<typeof embeddingSchema>
export type ActivityDecoding = v.InferOutput<typeof activitySchema>
