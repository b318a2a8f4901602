import * as v from 'valibot'
import { looseObject, object } from '../../contracts/object-schemas.ts'
import { goOnWays } from '../text-server/go-on-way.ts'

/** A model as `GET /v1/models` lists it: what clients need not ask for, or try. */
export const modelEntrySchema = looseObject({
  id: v.string(),
  hither: v.optional(
    object({
      task: v.optional(v.string()),
      /** Of the catalogue. */
      revision: v.optional(v.string()),
      /** Tokens that it can look back on. */
      contextTokens: v.optional(v.pipe(v.number(), v.safeInteger(), v.minValue(1))),
      /** SHA-256 of its `tokenizer.json`: servers with the same one know the same ids. */
      tokenizerSha256: v.optional(v.string()),
      /** Ways to go on with an answer that was begun elsewhere, and that work; empty: none does. Absent: not known. */
      continues: v.optional(v.array(v.picklist(goOnWays))),
      /** Is the text cut at the very token, also within `hither_answer_tokens`? */
      answerTokens: v.optional(v.boolean()),
      /** Are streams kept for those who come back (`hither_resumable`, `GET /v1/streams/ID`)? */
      resumable: v.optional(v.boolean()),
    }),
  ),
})
export type ModelEntry = v.InferOutput<typeof modelEntrySchema>
