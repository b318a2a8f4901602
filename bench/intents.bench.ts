import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import * as v from 'valibot'
import { partOf } from './language/held-out-lines.ts'
import type { Bench } from './support/bench.ts'
import { openTextModel } from './support/text-model.ts'

const queriesSchema = v.array(v.tuple([v.string(), v.string()]))
const dataSchema = v.object({ val: queriesSchema, oos_val: queriesSchema })

/** Of 100 parts by hash, training/intents/data.py fits temperatures and the threshold on those below this one. */
const calibrationParts = 33

/** CLINC150's validation queries that nothing was trained or fitted on, with their intents. */
function readHeldOutQueries(folder: string): [text: string, intent: string][] {
  const path = join(folder, 'train_val.json')
  if (!existsSync(path)) throw new Error(`No data at ${path}: give its folder with --data.`)
  const { val, oos_val } = v.parse(dataSchema, JSON.parse(readFileSync(path, 'utf8')))
  return [...val, ...oos_val].filter(([text, intent]) => partOf('clinc150', intent, text) >= calibrationParts)
}

interface Answer {
  readonly label: string
  readonly confidence: number
}

const percent = (part: number, whole: number) => Math.round((10_000 * part) / whole) / 100

/**
 * Expected calibration error in percent, of 15 bins.
 *
 * Source: Guo et al. 2017, "On Calibration of Modern Neural Networks"
 */
function calibrationError(answers: readonly Answer[], isRight: (index: number) => boolean, bins = 15): number {
  const found = Array.from({ length: bins }, () => ({ right: 0, confidence: 0 }))
  answers.forEach(({ confidence }, index) => {
    const bin = found[Math.min(bins - 1, Math.floor(confidence * bins))]
    if (bin === undefined) return
    bin.right += Number(isRight(index))
    bin.confidence += confidence
  })
  return percent(
    found.reduce((sum, { right, confidence }) => sum + Math.abs(right - confidence), 0),
    answers.length,
  )
}

/** The intents models as they are shipped, each alone, and the small one that asks the large one where it is unsure. */
export const bench: Bench = async (flags, print) => {
  const queries = readHeldOutQueries(flags.value('data') ?? '../shared/data/clinc150')
  const models = flags.value('models') ?? 'packages/hither-models/models'
  const [small, large] = await Promise.all(
    ['intents-small', 'intents-large'].map((name) => openTextModel(join(models, name, '1'))),
  )
  if (small === undefined || large === undefined) throw new Error('two models are needed')
  const { outsideLabel = '', cascade } = small.manifest
  if (cascade === undefined) throw new Error('the small model names no larger one')
  const answerAll = async ({ run, labels }: typeof small) => {
    const answers: Answer[] = []
    for (const [text] of queries) {
      const probabilities = await run(text)
      const confidence = Math.max(...probabilities)
      answers.push({ label: labels[probabilities.indexOf(confidence)] ?? '', confidence })
    }
    return answers
  }
  const bySmall = await answerAll(small)
  const byLarge = await answerAll(large)
  const isAsked = ({ confidence }: Answer) => confidence < cascade.minConfidence
  const byBoth = bySmall.map((answer, index) => (isAsked(answer) ? (byLarge[index] ?? answer) : answer))

  const indexes = queries.map((_, index) => index)
  const inScope = indexes.filter((index) => queries[index]?.[1] !== outsideLabel)
  const outside = indexes.filter((index) => queries[index]?.[1] === outsideLabel)
  const rowOf = (model: string, answers: readonly Answer[]) => {
    const isRight = (index: number) => answers[index]?.label === queries[index]?.[1]
    const saidOutside = indexes.filter((index) => answers[index]?.label === outsideLabel)
    const inScopeAnswers = inScope.flatMap((index) => answers[index] ?? [])
    return {
      model,
      inScope: percent(inScope.filter(isRight).length, inScope.length),
      outsideRecall: percent(outside.filter(isRight).length, outside.length),
      outsidePrecision: percent(saidOutside.filter(isRight).length, saidOutside.length),
      calibrationErrorInScope: calibrationError(inScopeAnswers, (at) => isRight(inScope[at] ?? -1)),
      calibrationError: calibrationError(answers, isRight),
    }
  }
  const rows = [rowOf('intents-small', bySmall), rowOf('intents-large', byLarge), rowOf('cascade', byBoth)]
  const askedInScope = percent(
    inScope.filter((index) => isAsked(bySmall[index] ?? { label: '', confidence: 1 })).length,
    inScope.length,
  )
  const heads = ['in scope', 'oos recall', 'oos precision', 'ECE in scope', 'ECE']
  print(`${'in %'.padEnd(16)}${heads.map((head) => head.padStart(15)).join('')}`)
  for (const { model, ...figures } of rows) {
    print(
      `${model.padEnd(16)}${Object.values(figures)
        .map((figure) => figure.toFixed(2).padStart(15))
        .join('')}`,
    )
  }
  print(
    `${queries.length} held-out queries, ${outside.length} of them out of scope; below a confidence of ` +
      `${cascade.minConfidence} the cascade asks the large one: ${askedInScope} % of the queries in scope`,
  )
  return { rows, askedInScope, minConfidence: cascade.minConfidence, queries: queries.length, outside: outside.length }
}
