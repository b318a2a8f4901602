import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { decoderSpecs } from '../../src/testing/decoder-specs.ts'
import { fakeManifest } from '../../src/testing/fake-manifest.ts'
import { lettersTokenizer } from '../../src/testing/letters-tokenizer.ts'
import { tinyOnnx } from '../../src/testing/tiny-onnx.ts'
import { writeWriter } from '../../src/testing/write-writer.ts'

/** After `>`, it asks for a function; after `:`, it answers. Each piece is a token, and is followed by the next one. */
const call = ['<tool_call>', '{"name":', ' "weather",', ' "arguments":', ' {"city":', ' "Bern"}}', '</tool_call>']
const answer = ['It', ' is', ' sunny', ' in', ' Bern.']
export const calledFunction = { name: 'weather', arguments: { city: 'Bern' }, answer: answer.join('') }

const { tokenizer, config, tokens, endId, vocabulary } = lettersTokenizer([...call, ...answer])
const idOf = (token: string | undefined) => (token === undefined ? endId : tokens.indexOf(token))

const chatTemplate = [
  "{% for message in messages %}{{ message.role + ' ' + (message.content or '') + ' ' }}{% endfor %}",
  "{% if tools and messages[-1].role != 'tool' %}{{ 'call>' }}{% else %}{{ 'answer:' }}{% endif %}",
].join('')

/** What follows each token: the graph is a table of it. */
function followers(): readonly number[] {
  const next = Array.from({ length: vocabulary }, () => endId)
  for (const [mark, pieces] of [
    ['>', call],
    [':', answer],
  ] as const) {
    for (const [index, piece] of [mark, ...pieces].entries()) next[idOf(piece)] = idOf(pieces[index])
  }
  return next
}

/**
 * Writes a language model that asks for the function `weather` whenever it is given tools, and answers once the function
 * has. The small models that can be had here ask for none.
 */
export async function writeCallingModel(modelsDir: string, name: string): Promise<void> {
  const cache = { layers: 1, kvHeads: 1, headSize: 1, type: 'float32' as const }
  const specs = decoderSpecs({ cache, vocabulary }, -1)
  const table = new Float32Array(vocabulary * vocabulary)
  for (const [id, next] of followers().entries()) table[id * vocabulary + next] = 20
  const graph = tinyOnnx({
    ...specs,
    initializers: [
      { name: 'table', type: 'float32', dims: [vocabulary, vocabulary], data: table },
      // Keys and values that nothing is made of: the decoder keeps as many as there are tokens.
      { name: 'nothing', type: 'float32', dims: [vocabulary, 1], data: new Float32Array(vocabulary) },
      { name: 'second', type: 'int64', dims: [1], data: new BigInt64Array([1n]) },
    ],
    nodes: [
      { op: 'Gather', inputs: ['table', 'input_ids'], outputs: ['logits'] },
      { op: 'Gather', inputs: ['nothing', 'input_ids'], outputs: ['each'] },
      { op: 'Unsqueeze', inputs: ['each', 'second'], outputs: ['new'] },
      ...['key', 'value'].map((part) => ({
        op: 'Concat',
        inputs: [`past_key_values.0.${part}`, 'new'],
        outputs: [`present.0.${part}`],
        attributes: { axis: { int: 2 } },
      })),
    ],
  })
  const encode = (value: unknown) => new TextEncoder().encode(JSON.stringify(value))
  const files = {
    'model.onnx': graph,
    'tokenizer.json': encode(tokenizer),
    'tokenizer_config.json': encode(config),
    'chat_template.jinja': new TextEncoder().encode(chatTemplate),
  }
  const manifest = await fakeManifest(files, {
    name,
    task: 'text-generation',
    ...specs,
    generation: {
      tokenizer: 'tokenizer.json',
      tokenizerConfig: 'tokenizer_config.json',
      chatTemplate: 'chat_template.jinja',
      vocabulary,
      contextTokens: 2_048,
      ends: [endId],
      cache,
    },
  })
  await rm(join(modelsDir, name), { recursive: true, force: true })
  await writeWriter(modelsDir, { manifest, files })
}
