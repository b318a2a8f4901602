import type { ModelEntry } from '../../../protocol/openai/model-entry.ts'
import type { GoOnWay } from '../../../protocol/text-server/go-on-way.ts'
import type { WritingReadyModel } from '../pool/writing-task.ts'

/** Does the model take conversations? */
export function hasTemplate({ manifest: { generation }, state: { texts } }: WritingReadyModel): boolean {
  if (generation.chatTemplate !== undefined) return true
  try {
    const config: unknown = JSON.parse(texts.get(generation.tokenizerConfig ?? '') ?? '{}')
    return typeof config === 'object' && config !== null && 'chat_template' in config
  } catch {
    return false
  }
}

/** A model that writes, as `GET /v1/models` lists it: whoever reads this need not try how it goes on with an answer. */
export function toModelEntry(model: WritingReadyModel): ModelEntry {
  const { name, revision, manifest } = model
  const { contextTokens, tokenizer } = manifest.generation
  const tokenizerSha256 = manifest.files.find(({ path }) => path === tokenizer)?.sha256
  const ways: GoOnWay[] = hasTemplate(model) ? ['token-ids', 'text', 'continue-final-message'] : ['token-ids', 'text']
  return {
    id: name,
    // As vLLM names it.
    max_model_len: contextTokens,
    hither: {
      task: manifest.task,
      revision,
      contextTokens,
      ...(tokenizerSha256 === undefined ? {} : { tokenizerSha256 }),
      continues: ways,
      answerTokens: true,
      resumable: true,
    },
  }
}
