/** Servers with OpenAI's API that differ in how they go on with an answer, and in the options that they know. */
export const textServerKinds = [
  'hither',
  'vllm',
  'llama.cpp',
  'llama-cpp-python',
  'tgi',
  'sglang',
  'ollama',
  'transformers',
  'openvino',
  'kserve',
  'mistral',
  'openai',
  'unknown',
] as const

export type TextServerKind = (typeof textServerKinds)[number]
