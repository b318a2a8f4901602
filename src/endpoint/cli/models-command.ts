import { parseArgs } from 'node:util'
import * as v from 'valibot'
import { nameSchema } from '../../contracts/manifest.ts'
import { ConfigError } from '../../errors/config-error.ts'
import type { AddModelOptions } from '../adding/add-model.ts'

type Precision = AddModelOptions['precision']

export const modelsHelp = `  --models DIR         the folder of models that it comes to (default: models)
  --name NAME          what it is called (default: as the file is)
  --precision P        q8: 8 bits, the fastest in browsers without WebGPU; q4: the file's own
                       4 bits, or as many by rounding; fp32: plain numbers (default: q8)
  --hub                other programs are to run it, too: q8 has the hub's inputs and outputs,
                       and is slower (q4 and fp32 always have them)
`

const precisions: readonly string[] = ['fp32', 'q8', 'q4'] satisfies Precision[]
const isPrecision = (text: string): text is Precision => precisions.includes(text)

/**
 * `hither models add`: converts a .gguf file, and puts it into a folder of models.
 *
 * @param options.signal takes back what is half done
 * @returns what to print
 * @throws {ConfigError} `config-invalid`, with a sentence for whoever typed it; and as `addModel`
 */
export async function changeModels(
  args: readonly string[],
  options: { readonly signal: AbortSignal; readonly say: (sentence: string) => void; readonly fetch?: typeof fetch },
): Promise<string> {
  const given = parse(args)
  const { addModel } = await import('../adding/add-model.ts')
  return addModel({ ...given, ...options })
}

/**
 * `hither optimize-lm DIR`: rewrites a language model's graph for WASM.
 *
 * @returns what to print
 * @throws {ConfigError} `config-invalid`; and as `optimizeModel`
 */
export async function optimizeLm(args: readonly string[], signal: AbortSignal): Promise<string> {
  const [dir, extra] = args
  if (dir === undefined || dir === '' || dir.startsWith('-'))
    throw invalid("Name the model's folder: hither optimize-lm DIR.")
  if (extra !== undefined) throw invalid(`${extra} is one word too many; give one folder.`)
  const { optimizeModel } = await import('../adding/optimize-model.ts')
  return optimizeModel(dir, signal)
}

function parse(args: readonly string[]) {
  const text = { type: 'string' } as const
  const { values, positionals } = (() => {
    try {
      return parseArgs({
        args: [...args],
        allowPositionals: true,
        options: { models: text, name: text, precision: text, hub: { type: 'boolean' } },
      })
    } catch (cause) {
      const message = cause instanceof Error ? (cause.message.split(/\.\\s/)[0] ?? '') : String(cause)
      throw invalid(`${message.replace(/\.$/, '')}.`)
    }
  })()
  const [command, source, extra] = positionals
  if (command !== 'add') throw invalid(`There is no command "models ${command ?? ''}"; there is "models add".`)
  if (source === undefined || source === '')
    throw invalid('Name the .gguf file, or its web address: hither models add FILE.')
  if (extra !== undefined) throw invalid(`${extra} is one word too many; add one file at a time.`)
  const empty = Object.entries(values).find(([, value]) => value === '')
  if (empty !== undefined) throw invalid(`--${empty[0]} is empty: give it a value, or leave it out.`)
  const { models: modelsDir = 'models', name, precision = 'q8', hub } = values
  if (!isPrecision(precision)) throw invalid(`--precision is ${precision}; there are ${precisions.join(', ')}.`)
  if (name !== undefined && !v.is(nameSchema, name)) {
    throw invalid(`--name is ${name}; a model's name has letters, digits, dots, dashes and underscores.`)
  }
  return { source, modelsDir, name, precision, forHub: hub }
}

const invalid = (message: string) => new ConfigError('config-invalid', message)
