import type { Sampling } from '../../generation/sampling/sampling.ts'
import type { GoOnWay } from '../../protocol/text-server/go-on-way.ts'
import type { TextServerKind } from '../../protocol/text-server/server-kind.ts'

/** Options of ours under the server's names; those that it does not know are absent, and are not sent. */
type OptionNames = Readonly<Partial<Record<keyof Sampling, string>>>

/** What servers of a kind do, by their documentation and source. */
export interface KindFacts {
  /** Ways in which it goes on, where it is not probed. */
  readonly assumed: readonly GoOnWay[]
  /** Ways that a probe tries. */
  readonly tried: readonly GoOnWay[]
  /** It charges for tokens: it is not probed unless the caller says so. */
  readonly charges: boolean
  readonly options: OptionNames
  /**
   * Stop strings that it takes; more are found here. None of a server that tells ids: for a stop string it keeps text
   * back, and its ids would be ahead of its text by what nobody knows.
   */
  readonly stops: number
  /** `stream_options.include_usage`, and with every event (`continuous_usage_stats`). */
  readonly usage: 'each' | 'last' | 'unasked'
  /** `return_token_ids`. */
  readonly givesIds: boolean
}

// OpenAI's own, which all know.
const common = {
  temperature: 'temperature',
  topP: 'top_p',
  presencePenalty: 'presence_penalty',
  frequencyPenalty: 'frequency_penalty',
  seed: 'seed',
} as const
const vllmOptions = { ...common, topK: 'top_k', minP: 'min_p', repetitionPenalty: 'repetition_penalty' } as const
const llamaOptions = { ...common, topK: 'top_k', minP: 'min_p', repetitionPenalty: 'repeat_penalty' } as const

const byIds = ['token-ids', 'text', 'continue-final-message'] as const
const all = ['token-ids', 'text', 'continue-final-message', 'trailing-message'] as const
const stock = { charges: false, options: common, stops: 4, usage: 'last', givesIds: false } as const

const vllm: KindFacts = {
  ...stock,
  assumed: byIds,
  tried: byIds,
  options: vllmOptions,
  stops: 0,
  usage: 'each',
  givesIds: true,
}

/**
 * Sources, read in November 2026: vLLM's `entrypoints/openai/`, llama.cpp's `tools/server/README.md` and pull requests
 * 13174 and 23012, llama-cpp-python's `llama_cpp/server/` and `llama_chat_format.py` (0.3.36), SGLang's 4226, TGI's 2733, Ollama's `openai/openai.go` and issue 6778, OpenVINO's issue 3877, the
 * references of Mistral's and OpenAI's APIs.
 */
export const kindFacts: Readonly<Record<TextServerKind, KindFacts>> = {
  // An endpoint or a gateway of ours says in what ways it goes on.
  hither: { ...vllm, tried: [], usage: 'last' },
  vllm,
  // vLLM underneath.
  kserve: vllm,
  sglang: { ...vllm, givesIds: false, stops: 16 },
  'llama.cpp': {
    ...stock,
    assumed: ['token-ids', 'text', 'trailing-message'],
    tried: all,
    options: llamaOptions,
    stops: 16,
  },
  // It refuses ids, knows no field, and closes every message of a chat before it opens the assistant's.
  'llama-cpp-python': { ...stock, assumed: ['text'], tried: ['text'], options: llamaOptions, stops: 16 },
  tgi: {
    ...stock,
    assumed: ['text', 'continue-final-message'],
    tried: ['text', 'continue-final-message', 'trailing-message'],
  },
  // Its /completions puts the prompt into the chat template: no way to go on.
  ollama: { ...stock, assumed: ['trailing-message'], tried: ['trailing-message'] },
  transformers: { ...stock, assumed: [], tried: all },
  openvino: {
    ...stock,
    assumed: [],
    tried: ['text', 'continue-final-message', 'trailing-message'],
    options: { ...common, topK: 'top_k', repetitionPenalty: 'repetition_penalty' },
  },
  mistral: {
    ...stock,
    assumed: ['prefix'],
    tried: ['prefix'],
    charges: true,
    options: { ...common, seed: 'random_seed' },
    // Unknown fields are refused, and its last event tells the usage anyway.
    usage: 'unasked',
  },
  openai: { ...stock, assumed: [], tried: [], charges: true },
  unknown: { ...stock, assumed: [], tried: all },
}
