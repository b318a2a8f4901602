import { fileURLToPath } from 'node:url'
import type { WriterOptions } from '../pages/text-writer.ts'

/** A contender: its page, and the files that the site serves for it. */
export interface Arm extends Pick<WriterOptions, 'model' | 'precision'> {
  readonly page: string
  /** By their path on the site. */
  readonly files: Readonly<Record<string, string>>
  /** Folders of models of the site's catalogue, by their names. */
  readonly models?: Readonly<Record<string, string>>
}

const built = (path: string) => fileURLToPath(new URL(`../../.cache/smollm2/${path}`, import.meta.url))
const graphs = { q8: 'onnx/model_quantized.onnx', q4: 'onnx/model_q4.onnx' } as const
const settings = ['config.json', 'generation_config.json', 'tokenizer.json', 'tokenizer_config.json']

/** The first revision of a model, as `hither models add` writes it. */
const added = (precision: 'q8' | 'q4') => built(`models/smollm2-${precision}/1/${graphs[precision]}`)

const hither = (precision: 'q8' | 'q4'): Arm => ({
  page: 'generate-hither',
  model: '/assets/smollm2',
  precision,
  files: { [`assets/smollm2/${graphs[precision]}`]: added(precision) },
})
/** `client.generate` of the built library. */
const client = (precision: 'q8' | 'q4'): Arm => ({
  page: 'generate-client',
  model: `smollm2-${precision}`,
  precision,
  files: {},
  models: { [`smollm2-${precision}`]: built(`models/smollm2-${precision}`) },
})
/** @param form of the graph: as the hub's exports have it, or as Hither runs it */
const transformers = (precision: 'q8' | 'q4', form: 'hub' | 'own'): Arm => ({
  page: 'generate-transformers',
  model: `smollm2-${form}`,
  precision,
  files: Object.fromEntries(
    [...settings, graphs[precision]].map((path) => [
      `assets/transformers/smollm2-${form}/${path}`,
      built(form === 'hub' ? `hub/${path}` : path),
    ]),
  ),
})

/** On the same weights, all of them. */
export const arms = {
  'client-q8': client('q8'),
  'client-q4': client('q4'),
  /** The loop alone, over the tokens' numbers. */
  'hither-q8': hither('q8'),
  'hither-q4': hither('q4'),
  'transformers-q8': transformers('q8', 'hub'),
  'transformers-q4': transformers('q4', 'hub'),
  /** What the graph's form alone makes of it. */
  'transformers-q8-own-graph': transformers('q8', 'own'),
  wllama: {
    page: 'generate-wllama',
    model: '/assets/smollm2.gguf',
    precision: 'q4',
    files: { 'assets/smollm2.gguf': built('model.gguf') },
  },
} as const satisfies Record<string, Arm>
export type ArmName = keyof typeof arms

export const isArm = (name: string): name is ArmName => Object.hasOwn(arms, name)
/** Those that are measured where no others are asked for. */
export const usualArms: readonly ArmName[] = [
  'client-q8',
  'hither-q8',
  'hither-q4',
  'transformers-q8',
  'transformers-q4',
  'wllama',
]
