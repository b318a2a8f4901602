import * as v from 'valibot'
import { nameSchema, precisionSchema } from '../../contracts/manifest.ts'
import { strictObject } from '../../contracts/object-schemas.ts'
import { parseCallOptions, signalSchema } from '../options/option-schemas.ts'
import type { AddModelOptions, ImportModelOptions } from '../types/models-types.ts'

const modelNameSchema = v.optional(
  v.custom<string>(
    (name) => v.is(nameSchema, name),
    'a model’s name has letters, digits, “.”, “_” and “-”, at most 100, and begins with a letter or a digit',
  ),
)
const addOptionsSchema = strictObject({
  signal: signalSchema,
  name: modelNameSchema,
  title: v.optional(v.string()),
  precision: v.optional(precisionSchema),
  onProgress: v.optional(v.function()),
})
const importOptionsSchema = strictObject({ signal: signalSchema, name: modelNameSchema })

/** @throws {ValidationError} `options-invalid`, naming the option */
export const parseAddOptions = (options: unknown): AddModelOptions => parseCallOptions(addOptionsSchema, options ?? {})

/** @throws {ValidationError} `options-invalid`, naming the option */
export const parseImportOptions = (options: unknown): ImportModelOptions =>
  parseCallOptions(importOptionsSchema, options ?? {})
