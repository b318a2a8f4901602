import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'

/** The three lengths of text, as the data's folders are named. */
export const kinds = ['sentences', 'word-pairs', 'single-words'] as const
export type Kind = (typeof kinds)[number]

/** A line that the model was not trained on. */
export interface HeldOutLine {
  readonly kind: Kind
  /** ISO 639-1 code. */
  readonly language: string
  readonly text: string
}

/** The part of 100, by FNV-1a, that training/text_features/steps.py leaves out of training. */
const heldOutParts = 6

/** FNV-1a (32 bits) of `kind/language/line` in UTF-8, modulo 100; training/text_features/steps.py has the same. */
export function partOf(kind: string, language: string, line: string): number {
  let value = 2_166_136_261
  for (const byte of new TextEncoder().encode(`${kind}/${language}/${line}`)) {
    value = Math.imul(value ^ byte, 16_777_619) >>> 0
  }
  return value % 100
}

/** The held-out lines below `folder`, each once. */
export function readHeldOutLines(folder: string): HeldOutLine[] {
  if (!existsSync(folder)) throw new Error(`No data at ${folder}: give its folder with --data.`)
  return kinds.flatMap((kind) =>
    readdirSync(join(folder, kind)).flatMap((file) => {
      const language = basename(file, '.txt')
      const lines = readFileSync(join(folder, kind, file), 'utf8').split('\n')
      const texts = new Set(lines.map((line) => line.trim()).filter((line) => line !== ''))
      return [...texts]
        .filter((text) => partOf(kind, language, text) < heldOutParts)
        .map((text) => ({ kind, language, text }))
    }),
  )
}
