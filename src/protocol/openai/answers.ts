/** Why an answer ended, as the OpenAI API names it. */
export type FinishReason = 'stop' | 'length' | 'tool_calls'

export interface Usage {
  readonly prompt_tokens: number
  readonly completion_tokens: number
  readonly total_tokens: number
  /** Of the prompt's tokens, those that were known from an earlier request. */
  readonly prompt_tokens_details: { readonly cached_tokens: number }
}

/** A token's text and the natural logarithm of its probability. */
export interface TokenLogprob {
  readonly token: string
  readonly logprob: number
  /** Its text in UTF-8; `null` for a part of a character. */
  readonly bytes: readonly number[] | null
}

export interface ChatLogprobs {
  readonly content: readonly (TokenLogprob & { readonly top_logprobs: readonly TokenLogprob[] })[]
}

export interface CompletionLogprobs {
  readonly tokens: readonly string[]
  readonly token_logprobs: readonly number[]
  readonly top_logprobs: readonly Readonly<Record<string, number>>[]
  readonly text_offset: readonly number[]
}

export interface WireToolCall {
  readonly id: string
  readonly type: 'function'
  /** The arguments are JSON, as text. */
  readonly function: { readonly name: string; readonly arguments: string }
}

/** One event of a streamed chat. */
export interface ChatChunk {
  readonly id: string
  readonly object: 'chat.completion.chunk'
  readonly created: number
  readonly model: string
  readonly system_fingerprint: string
  /** Empty in the last event where the usage was asked for. */
  readonly choices: readonly {
    readonly index: 0
    readonly delta: {
      readonly role?: 'assistant'
      readonly content?: string
      readonly tool_calls?: readonly (WireToolCall & { readonly index: number })[]
    }
    readonly logprobs: ChatLogprobs | null
    readonly finish_reason: FinishReason | null
    /** The tokens that this event is about, where ids were asked for. */
    readonly token_ids?: readonly number[]
  }[]
  /** Ids of prompt and of what there was of the answer, in the first event, where they were asked for. */
  readonly prompt_token_ids?: readonly number[]
  readonly usage?: Usage | null
}

/** A chat's answer that is not streamed. */
export interface ChatAnswer {
  readonly id: string
  readonly object: 'chat.completion'
  readonly created: number
  readonly model: string
  readonly system_fingerprint: string
  readonly choices: readonly {
    readonly index: 0
    readonly message: {
      readonly role: 'assistant'
      readonly content: string | null
      readonly refusal: null
      readonly tool_calls?: readonly WireToolCall[]
    }
    readonly logprobs: ChatLogprobs | null
    readonly finish_reason: FinishReason
    readonly token_ids?: readonly number[]
  }[]
  readonly prompt_token_ids?: readonly number[]
  readonly usage: Usage
}

/** A completion's answer, or one event of it. */
export interface CompletionAnswer {
  readonly id: string
  readonly object: 'text_completion'
  readonly created: number
  readonly model: string
  readonly system_fingerprint: string
  readonly choices: readonly {
    readonly index: 0
    readonly text: string
    readonly logprobs: CompletionLogprobs | null
    readonly finish_reason: FinishReason | null
    readonly prompt_token_ids?: readonly number[]
    readonly token_ids?: readonly number[]
  }[]
  readonly usage?: Usage | null
}
