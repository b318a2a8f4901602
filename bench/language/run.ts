import type { Bench } from '../support/bench.ts'
import { openTextModel } from '../support/text-model.ts'
import { createDetectors } from './detectors.ts'
import { type HeldOutLine, kinds, readHeldOutLines } from './held-out-lines.ts'

/** The likeliest of some labels. */
function bestOf(probabilities: Float32Array, labels: readonly string[], among: ReadonlySet<string>): string {
  let best = ''
  let highest = -1
  labels.forEach((label, index) => {
    const probability = probabilities[index] ?? 0
    if (!among.has(label) || probability <= highest) return
    highest = probability
    best = label
  })
  return best
}

/** Shares of right answers in percent, to two places, for each kind of line. */
function shares(lines: readonly HeldOutLine[], isRight: (line: HeldOutLine) => boolean): Record<string, number> {
  return Object.fromEntries(
    kinds.map((kind) => {
      const some = lines.filter((line) => line.kind === kind)
      return [kind, Math.round((10_000 * some.filter(isRight).length) / some.length) / 100]
    }),
  )
}

/**
 * The language-identification model beside eld, tinyld and franc: on lines it was not trained on, for each peer on the
 * languages that both know, and both told to answer with one of those.
 */
export const bench: Bench = async (flags, print) => {
  const folder = flags.value('data') ?? '../shared/data/language-identification'
  const model = await openTextModel(flags.value('model') ?? 'packages/hither-models/models/language-identification/1')
  const lines = readHeldOutLines(folder)
  const answers = new Map<HeldOutLine, Float32Array>()
  const startMs = performance.now()
  for (const line of lines) answers.set(line, await model.run(line.text))
  const meanMs = (performance.now() - startMs) / lines.length
  const rightOf = (among: ReadonlySet<string>) => (line: HeldOutLine) =>
    bestOf(answers.get(line) ?? new Float32Array(), model.labels, among) === line.language
  const alone = shares(lines, rightOf(new Set(model.labels)))
  const rows: { detector: string; languages: number; lines: number; shares: Record<string, number> }[] = [
    { detector: 'hither', languages: model.labels.length, lines: lines.length, shares: alone },
  ]
  for (const detector of createDetectors(model.labels)) {
    const among = new Set(detector.languages)
    const common = lines.filter(({ language }) => among.has(language))
    const shared = { languages: among.size, lines: common.length }
    const theirs = shares(common, ({ text, language }) => detector.detect(text) === language)
    rows.push({ detector: detector.name, ...shared, shares: theirs })
    rows.push({ detector: `hither, as ${detector.name}`, ...shared, shares: shares(common, rightOf(among)) })
  }
  print(`${'right, in %'.padEnd(28)}${'languages'.padStart(10)}${kinds.map((kind) => kind.padStart(14)).join('')}`)
  for (const { detector, languages, shares: found } of rows) {
    const cells = kinds.map((kind) => (found[kind] ?? Number.NaN).toFixed(2).padStart(14)).join('')
    print(`${detector.padEnd(28)}${String(languages).padStart(10)}${cells}`)
  }
  print(`${lines.length} held-out lines; ${meanMs.toFixed(2)} ms a line on one thread of onnxruntime-node`)
  return { rows, meanMs }
}
