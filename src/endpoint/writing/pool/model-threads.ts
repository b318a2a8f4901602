import { rememberedBytes } from '../../../models/manifest/writing-memory.ts'
import { openWritingThread, type WritingThread } from '../thread/writing-thread.ts'
import type { WritingReadyModel } from './writing-task.ts'

/** The threads of the models that are in use. */
export interface ModelThreads {
  /** The thread of a model: another one where the last has died. */
  get(model: WritingReadyModel): WritingThread
  /** Ends the thread of a model, where it has one. */
  forget(model: object): void
  /** Threads whose run can't be ended. */
  readonly stuck: number
  /** Ends all that are not stuck. */
  end(): Promise<void>
}

/**
 * A model's weights are in memory once: it has a thread of its own, which starts with its first answer, and its runs use
 * as many of the processor's cores as the endpoint may.
 *
 * @param options.rememberBytes that keys and values of earlier conversations may take, of one model
 * @param options.emptyBytes that empty places may take where answers of one model share their runs
 */
export function createModelThreads(options: {
  readonly script: URL
  readonly runThreads: number
  readonly rememberBytes: () => number
  readonly emptyBytes: () => number
  readonly silenceMs: number
  readonly openMs: number
  readonly onFault: (cause: unknown, model: string) => void
}): ModelThreads {
  const { script, runThreads, rememberBytes, emptyBytes, silenceMs, openMs, onFault } = options
  const threads = new Map<object, WritingThread>()
  const given = new Set<WritingThread>()

  const open = ({ name, manifest: { generation }, state }: WritingReadyModel): WritingThread => {
    const textOf = (path: string | undefined) => (path === undefined ? undefined : state.texts.get(path))
    const { tokenizer, tokenizerConfig, chatTemplate } = generation
    const model = {
      shared: state.shared,
      generation,
      files: {
        tokenizer: textOf(tokenizer) ?? '',
        tokenizerConfig: textOf(tokenizerConfig),
        chatTemplate: textOf(chatTemplate),
      },
      cacheBytes: Math.min(rememberedBytes(generation), rememberBytes()),
      emptyBytes: emptyBytes(),
      runThreads,
    }
    return openWritingThread({ script, model, silenceMs, openMs, onFault: (cause) => onFault(cause, name) })
  }

  return {
    get(model) {
      const known = threads.get(model)
      if (known?.usable === true) return known
      for (const each of given) if (!each.usable && !each.stuck) given.delete(each)
      const fresh = open(model)
      threads.set(model, fresh)
      given.add(fresh)
      return fresh
    },
    forget(model) {
      const thread = threads.get(model)
      threads.delete(model)
      void thread?.end()
    },
    get stuck() {
      return [...given].filter(({ stuck }) => stuck).length
    },
    async end() {
      await Promise.all([...given].map((thread) => thread.end()))
      given.clear()
    },
  }
}
