import type { Generation } from '../../contracts/generation.ts'
import type { Manifest } from '../../contracts/manifest.ts'
import type { TensorSpec } from '../../contracts/tensor.ts'
import type { OnnxModel, OnnxValue } from '../onnx/write-onnx.ts'
import type { DecoderPlan } from './decoder-plan.ts'
import { endsOf, type TokenizerFacts } from './tokenizer-facts.ts'

const toSpec = ({ name, type, shape }: OnnxValue): { name: string; type: TensorSpec['type']; shape: number[] } => ({
  name,
  type,
  shape: shape.map((size) => (typeof size === 'number' ? size : -1)),
})

/** Of one token that follows none: every matrix once; the table of tokens is looked up, and multiplied as the output. */
const macsOf = ({ layers, width, innerWidth, heads, kvHeads, headSize, vocabulary }: DecoderPlan): number =>
  layers * (2 * width * headSize * (heads + kvHeads) + 3 * width * innerWidth) + vocabulary * width

/** What a manifest says of a decoder. */
export function decoderFacts(model: OnnxModel, plan: DecoderPlan, tokenizer: TokenizerFacts) {
  const { layers, kvHeads, headSize, vocabulary, contextTokens } = plan
  const generation: Generation = {
    tokenizer: 'tokenizer.json',
    tokenizerConfig: 'tokenizer_config.json',
    ...(tokenizer.chatTemplate === undefined ? {} : { chatTemplate: 'chat_template.jinja' }),
    vocabulary,
    contextTokens,
    ends: endsOf(tokenizer),
    cache: { layers, kvHeads, headSize, type: 'float32' },
  }
  const opset = model.opsets['']
  const given = new Set(model.outputs.map(({ name }) => name))
  // What gives its new keys and values alone has none: the caller keeps them.
  const state = model.inputs.flatMap(({ name, shape }) => {
    const output = name.replace('past_key_values', 'present')
    if (output === name || !given.has(output)) return []
    // One text, of which nothing was read.
    return [
      { input: name, output, shape: shape.map((size, at) => (typeof size === 'number' ? size : at === 0 ? 1 : 0)) },
    ]
  })
  return {
    task: 'text-generation',
    ...(opset === undefined ? {} : { opset }),
    inputs: model.inputs.map(toSpec),
    outputs: model.outputs.map(toSpec),
    ...(state.length === 0 ? {} : { state }),
    generation,
    complexity: { macs: macsOf(plan) },
    tolerance: { absolute: 1e-2 },
  } satisfies Partial<Manifest>
}

/** `model_type` and class by GGUF's architecture. */
const hubNames: Readonly<Record<string, readonly [type: string, name: string]>> = {
  llama: ['llama', 'LlamaForCausalLM'],
  qwen2: ['qwen2', 'Qwen2ForCausalLM'],
  qwen3: ['qwen3', 'Qwen3ForCausalLM'],
}

/** `config.json` and `generation_config.json`, by which other programs know a model of the hub. */
export function configFiles(plan: DecoderPlan, tokenizer: TokenizerFacts) {
  const [modelType, name] = hubNames[plan.architecture] ?? [plan.architecture, '']
  const ends = endsOf(tokenizer)
  const marks = { bos_token_id: tokenizer.bos ?? null, eos_token_id: ends, pad_token_id: tokenizer.padding ?? null }
  return [
    {
      path: 'config.json',
      value: {
        architectures: [name],
        model_type: modelType,
        hidden_size: plan.width,
        intermediate_size: plan.innerWidth,
        num_hidden_layers: plan.layers,
        num_attention_heads: plan.heads,
        num_key_value_heads: plan.kvHeads,
        head_dim: plan.headSize,
        vocab_size: plan.vocabulary,
        max_position_embeddings: plan.contextTokens,
        rms_norm_eps: plan.epsilon,
        rope_theta: plan.theta,
        hidden_act: 'silu',
        ...marks,
      },
    },
    { path: 'generation_config.json', value: marks },
  ]
}
