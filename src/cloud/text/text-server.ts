import type { ToolCall } from '../../contracts/chat.ts'
import type { AnswerSoFar } from '../../generation/handover/answer-so-far.ts'
import type { Sampling } from '../../generation/sampling/sampling.ts'
import type { Prompt } from '../../generation/writer/write-request.ts'
import type { GoOnWay, KnownWay } from '../../protocol/text-server/go-on-way.ts'
import type { TextServerKind } from '../../protocol/text-server/server-kind.ts'

/** What is known of a model at a server of OpenAI's API. */
export interface TextModelFacts {
  readonly model: string
  readonly kind: TextServerKind
  /** The server's own version, or the fingerprint in its answers; undefined where it has none. */
  readonly version?: string | undefined
  /** Tokens that the model can look back on. */
  readonly contextTokens?: number | undefined
  /** SHA-256 of its `tokenizer.json`, in hex, where the server says it: ids by the same one mean the same. */
  readonly tokenizer?: string | undefined
  /** A text and the server's own ids for it: whoever has a tokenizer can hold it against them. */
  readonly tokensOf?: { readonly text: string; readonly ids: readonly number[] } | undefined
  /** How it goes on with an answer, the most exact way first. Empty: it can't, or that is not known. */
  readonly ways: readonly KnownWay[]
  /**
   * How the ways are known: the server or a gateway said so, a probe showed it, or it is assumed of servers of this kind.
   * `no`: nothing is known, so it is not asked to go on.
   */
  readonly waysKnown: 'said' | 'probed' | 'assumed' | 'no'
}

/** An answer that another one has begun, for a server to go on with. */
export interface GoOn extends AnswerSoFar {
  /** Default: the first of the facts' ways that what is known here allows. */
  readonly way?: GoOnWay | undefined
  /**
   * Ids of prompt and answer by the model's own tokenizer, whose text `shown` and `held` are, as `answerOfIds` has it. Only
   * these make `token-ids` a way.
   */
  readonly ids?: {
    readonly prompt: readonly number[]
    readonly answer: readonly number[]
    /** So many of the answer's ids have text that is whole: what follows is half of a character. */
    readonly whole: number
  }
  /** The conversation as the model's chat template writes it down, up to where the answer begins. For `text`. */
  readonly promptText?: string | undefined
}

/** What a server is asked to write. */
export interface CloudWriteRequest {
  readonly model: string
  readonly prompt: Prompt
  /** What is left out is as the server has it. Options that a server of its kind does not know are not sent. */
  readonly sampling: Partial<Sampling>
  /** Strings that end the answer; they are no part of it. */
  readonly stops: readonly string[]
  /** Tokens that the answer may have in all, those of `goOn` included. */
  readonly maxTokens: number
  readonly goOn?: GoOn | undefined
}

/** What comes of an answer while a server writes it, in order. */
export type CloudTextPart =
  /** The server has begun to answer. Ids are those of prompt and, where it goes on, answer; only where it gives ids. */
  | { readonly type: 'begun'; readonly promptIds?: readonly number[] | undefined }
  /**
   * More of the answer. `text` follows exactly what was shown, and may be empty while a stop string may be coming.
   * `held` is all text that has come and is not certain yet: it goes into `GoOn.held` if this server dies now.
   */
  | {
      readonly type: 'text'
      readonly text: string
      readonly held: string
      /** Tokens that it took; where the server does not count, one for each event. */
      readonly tokens: number
      /** Their ids, where the server gives them. */
      readonly ids?: readonly number[] | undefined
    }
  /** What the model thinks before it answers: no part of the answer. An answer is not handed over inside of it. */
  | { readonly type: 'reasoning'; readonly text: string; readonly tokens: number }
  /** A piece of a call that the model asks for. An answer is not handed over inside of one. */
  | {
      readonly type: 'tool-call'
      readonly index: number
      readonly id?: string | undefined
      readonly name?: string | undefined
      readonly arguments: string
    }

/** Tokens of an answer as the server counts them. */
export interface CloudTextUsage {
  readonly promptTokens: number
  readonly cachedTokens: number
  readonly answerTokens: number
  readonly reasoningTokens: number
}

/** How a whole answer ended. */
export interface CloudTextEnd {
  readonly reason: 'stop' | 'length' | 'tool-calls' | 'content-filter'
  /** The stop string that ended it, where it was found here. */
  readonly stopString?: string | undefined
  readonly toolCalls?: readonly ToolCall[] | undefined
  /** Undefined from a server that does not count. Of this run alone: what another one wrote is in its prompt. */
  readonly usage?: CloudTextUsage | undefined
  /** The server's own times, in milliseconds. */
  readonly timings?: { readonly promptMs?: number | undefined; readonly answerMs?: number | undefined } | undefined
  readonly fingerprint?: string | undefined
  /** How it was asked to go on; undefined for an answer from the beginning. */
  readonly way?: GoOnWay | undefined
}

export interface CloudWriteOptions {
  readonly signal?: AbortSignal | undefined
  /** Told what comes, in order, never after the end. */
  readonly onPart: (part: CloudTextPart) => void
  /** Longest silence before the first event, and between two of them, in milliseconds. Default: 60,000 and 10,000. */
  readonly firstSilenceMs?: number | undefined
  readonly silenceMs?: number | undefined
  /** Longest time to wait where the server has said when it may be asked again. Default 0: it is refused at once. */
  readonly maxWaitMs?: number | undefined
}

/** A server of OpenAI's API: ours, a gateway, or a stock one. */
export interface TextServer {
  /**
   * What is known of a model there. The first time, the server is asked and, where that is not switched off, probed.
   *
   * @param options.anew asks it once more whether it has the model: it may be gone. Default false
   * @throws {CloudError} `cloud-model-missing`; the server could not be reached, or failed
   */
  describe(
    model: string,
    options?: { readonly signal?: AbortSignal | undefined; readonly anew?: boolean | undefined },
  ): Promise<TextModelFacts>
  /** What is known of a model now, without asking. */
  known(model: string): TextModelFacts | undefined
  /**
   * Has an answer written, or gone on with.
   *
   * @throws {CloudError} `cloud-timeout`, with `context.silentMs`: nothing came for too long; `cloud-bad-response`, with
   *   `context.cutOff` where the answer ended in its middle; `cloud-overloaded`, with `context.retryAfterMs`;
   *   `cloud-refused`, with `context.goOn: true`: the server goes on in no way that is possible; and others, with
   *   `context.status`
   * @throws the signal's reason: the request is ended at once
   */
  write(request: CloudWriteRequest, options: CloudWriteOptions): Promise<CloudTextEnd>
}

export interface TextServerOptions {
  /** Base address, with or without the API's `/v1`, `/openai/v1` or `/v3`. */
  readonly url: string | URL
  /** What it is. Default: it is asked. */
  readonly kind?: TextServerKind | undefined
  /** Sent with every request. */
  readonly headers?: Readonly<Record<string, string>> | undefined
  /** A bearer token, asked for before each request, and once more when one is refused. */
  readonly token?: (() => string | Promise<string>) | undefined
  /** May a few tokens be spent to find out how it goes on with an answer? Default: not for kinds that charge. */
  readonly probe?: boolean | undefined
  /** Longest time for a question about the server or a model, in milliseconds; all of a probe has six times as long. Default 10,000. */
  readonly askMs?: number | undefined
  readonly fetch?: typeof globalThis.fetch | undefined
  readonly now?: (() => number) | undefined
  readonly nowDate?: (() => number) | undefined
}
