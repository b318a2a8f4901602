import { readFileSync } from 'node:fs'

/** What Transformers.js made of a prompt. */
export interface OracleRow {
  readonly text: string
  /** Ids of the prompt, with the mark of its beginning. */
  readonly prompt: readonly number[]
  /** The greedy tokens after it, with the one that ends it, where one does. */
  readonly answer: readonly number[]
}

/** What Transformers.js wrote with stories260k, greedy; `node scripts/write-stories-ids.mjs` wrote it down. */
export function storiesIds(): { readonly newTokens: number; readonly rows: readonly OracleRow[] } {
  const text = readFileSync(new URL('recorded/stories260k-ids.jsonl', import.meta.url), 'utf8')
  const [head, ...rows] = text
    .trimEnd()
    .split('\n')
    .map((line): unknown => JSON.parse(line))
  return { newTokens: (head as { newTokens: number }).newTokens, rows: rows as OracleRow[] }
}
