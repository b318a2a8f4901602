import type { Endpoint } from 'comlink'
import { toRefused, toUnreadable, toUnsendable } from './call-errors.ts'
import { isPackedValues, type PackedValues } from './pack-values.ts'

/** A worker, a worker's own scope, a port or a channel. */
export interface Carrier {
  postMessage(message: unknown, transfer: Transferable[]): void
  addEventListener(type: 'message' | 'messageerror' | 'close', listener: (event: Event) => void): void
  removeEventListener(type: 'message' | 'messageerror' | 'close', listener: (event: Event) => void): void
  start?(): void
  close?(): void
}

/** A call: a method by its name, or a function that was sent by its number. */
export interface Ask extends PackedValues {
  readonly target: string | number
}
export type Answer = PackedValues | { readonly error: unknown }

/** A call that ended on this side; `isUnsent` when its message never left. */
export class Failed {
  readonly reason: unknown
  readonly isUnsent: boolean
  constructor(reason: unknown, isUnsent = false) {
    this.reason = reason
    this.isUnsent = isUnsent
  }
}

/** Messages beside comlink's: they ask for no answer. */
export interface Notice {
  /** The signal of this number has aborted. */
  readonly abort?: number
  /** The function of this number is not needed any more. */
  readonly release?: number
  /** A message of the other side could not be read. */
  readonly unreadable?: true
}

type Sent = Parameters<Endpoint['addEventListener']>[1]
const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null

/** Comlink's message for a call of the one function that each side exposes. Its other kinds reach any property. */
function askOf({ type, path, argumentList }: Record<string, unknown>): Ask | undefined {
  if (type !== 'APPLY' || !Array.isArray(path) || path.length > 0) return undefined
  if (!Array.isArray(argumentList) || argumentList.length !== 1) return undefined
  const { value }: { readonly value?: unknown } = argumentList[0] ?? {}
  if (!isPackedValues(value)) return undefined
  const { target } = value as Partial<Ask>
  return typeof target === 'string' || Number.isSafeInteger(target) ? (value as Ask) : undefined
}

const isAnswer = (value: unknown): value is Answer =>
  isObject(value) && (Object.hasOwn(value, 'error') || isPackedValues(value))

/**
 * Comlink's two ends over one carrier, so that both sides can call. Adds three things: every call that was sent settles,
 * whatever comes of its message; nothing but the exposed function can be reached; and notices.
 *
 * @param options.toWire an error as the other side gets it
 * @param options.onUnreadable called when a message could not be read, once this side's calls have settled. Default: the
 *   other side settles its calls, too
 */
export function openSettlingCarrier(
  carrier: Carrier,
  options: {
    readonly toWire: (error: unknown) => unknown
    readonly onNotice: (notice: Notice) => void
    readonly onUnreadable?: (() => void) | undefined
    readonly onClosed: () => void
  },
) {
  const { toWire, onNotice, onUnreadable, onClosed } = options
  const unanswered = new Set<string>()
  const heard: { ask?: Sent; answer?: Sent } = {}
  let ended: { readonly reason: unknown } | undefined

  const give = (listener: Sent | undefined, data: object) => {
    if (typeof listener === 'function') listener({ data } as MessageEvent)
    else listener?.handleEvent({ data } as MessageEvent)
  }
  const settle = (id: string, value: Answer | Failed) => {
    if (unanswered.delete(id)) give(heard.answer, { id, type: 'RAW', value })
  }
  const settleAll = (reason: unknown) => {
    for (const id of [...unanswered]) settle(id, new Failed(reason))
  }
  const post = (message: object) => {
    if (ended === undefined) carrier.postMessage(message, [])
  }
  const refuse = (id: string, error: unknown) => post({ id, type: 'RAW', value: { error: toWire(error) } })

  const hear = (event: Event) => {
    const { data } = event as MessageEvent<unknown>
    if (ended !== undefined || !isObject(data)) return
    const { id, type, value } = data
    if (typeof id !== 'string') {
      if (data.unreadable === true) settleAll(toUnreadable())
      else onNotice(data)
    } else if (type === 'RAW' || type === 'HANDLER') {
      settle(id, isAnswer(value) ? value : new Failed(toUnreadable()))
    } else if (typeof type === 'string') {
      const ask = askOf(data)
      if (ask === undefined) refuse(id, toRefused())
      // Made anew: comlink must not see what else the message has.
      else give(heard.ask, { id, type: 'APPLY', path: [], argumentList: [{ type: 'RAW', value: ask }] })
    }
  }
  const misread = () => {
    if (ended !== undefined) return
    // It may have been an answer or a call, and of any of them.
    settleAll(toUnreadable())
    if (onUnreadable === undefined) post({ unreadable: true })
    else onUnreadable()
  }
  carrier.addEventListener('message', hear)
  carrier.addEventListener('messageerror', misread)
  carrier.addEventListener('close', onClosed)
  carrier.start?.()

  const endOf = (kind: 'ask' | 'answer', postMessage: Endpoint['postMessage']): Endpoint => ({
    postMessage,
    addEventListener(_, listener) {
      heard[kind] = listener
    },
    removeEventListener() {},
  })
  return {
    /** For comlink's `wrap`. */
    asking: endOf('answer', (message: { id: string; type: string }, transfer = []) => {
      // What comlink says when a proxy is collected is not about a call.
      if (message.type !== 'APPLY') return
      unanswered.add(message.id)
      if (ended !== undefined) return settle(message.id, new Failed(ended.reason, true))
      try {
        carrier.postMessage(message, transfer)
      } catch (cause) {
        settle(message.id, new Failed(toUnsendable(cause), true))
      }
    }),
    /** For comlink's `expose`. */
    answering: endOf('ask', (message: { id: string }, transfer = []) => {
      if (ended !== undefined) return
      try {
        carrier.postMessage(message, transfer)
      } catch (cause) {
        refuse(message.id, toUnreadable(cause))
      }
    }),
    notify: (notice: Notice) => post(notice),
    /** Settles what was sent, and closes a port or a channel. */
    end(reason: unknown) {
      if (ended !== undefined) return
      ended = { reason }
      carrier.removeEventListener('message', hear)
      carrier.removeEventListener('messageerror', misread)
      carrier.removeEventListener('close', onClosed)
      carrier.close?.()
      settleAll(reason)
    },
  }
}
