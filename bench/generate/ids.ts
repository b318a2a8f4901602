import { hasSmollm2 } from '../../src/testing/smollm2-model.ts'
import type { Bench } from '../support/bench.ts'
import { conversations, newTokens } from './conversations.ts'
import { type OraclePrecision, openOraclePrompts, openOwnLoop, openOwnPrompts, openTransformersLoop } from './oracle.ts'

const precisions: readonly OraclePrecision[] = ['fp32', 'q4']

/**
 * Whether Hither's loop writes the ids that Transformers.js writes: SmolLM2, twenty conversations by its chat template,
 * 64 greedy tokens, both in Node on the same files. `--precision q4,q8`; 8 bits differ by how a prompt is cut, because
 * the scale of a run's activations is one for all of them.
 */
export const bench: Bench = async (flags, print) => {
  if (!hasSmollm2) {
    print('SmolLM2 is not built: npx tsx bench/generate/build-smollm2.ts')
    return {}
  }
  const asked = (flags.value('precision')?.split(',') as OraclePrecision[] | undefined) ?? precisions
  const [own, oracle] = [openOwnPrompts(), await openOraclePrompts()]
  const prompts = conversations.map((messages) => ({ own: own(messages), oracle: oracle(messages) }))
  const alike = prompts.filter((each) => JSON.stringify(each.own) === JSON.stringify(each.oracle)).length
  print(`prompts alike, as text and as ids: ${alike} of ${prompts.length}`)
  const figures: Record<string, unknown> = { prompts: prompts.length, alike }
  for (const precision of asked) {
    const [ours, theirs] = [await openOwnLoop(precision), await openTransformersLoop(precision)]
    const rows: { readonly tokens: number; readonly differsAt: number | undefined }[] = []
    for (const [index, { oracle: prompt }] of prompts.entries()) {
      const [a, b] = [await ours.write(prompt.ids, newTokens), await theirs.write(prompt.ids, newTokens)]
      const at = b.findIndex((id, place) => a[place] !== id)
      const differsAt = at >= 0 ? at : a.length === b.length ? undefined : b.length
      rows.push({ tokens: b.length, differsAt })
      if (differsAt !== undefined) print(`${precision}, conversation ${index}: another token at ${differsAt}`)
    }
    await ours.close()
    await theirs.close()
    const same = rows.filter(({ differsAt }) => differsAt === undefined).length
    const tokens = rows.reduce((sum, row) => sum + row.tokens, 0)
    print(`${precision}: ${same} of ${rows.length} answers have the same ids, ${tokens} tokens in all`)
    figures[precision] = { same, of: rows.length, tokens, rows }
  }
  return figures
}
