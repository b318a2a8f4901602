import { isInstance } from '../is-instance.ts'
import { toRefused, toUnreadable, toUnsendable } from './call-errors.ts'
import type { ErrorCodec } from './error-codec.ts'
import { HandedOver } from './hand-over.ts'
import type { Carrier, Notice } from './settling-carrier.ts'

/** A call of a lane, its signal's abort, and its answer. `lane` numbers the call. */
interface LaneAsk {
  readonly lane: number
  readonly method: string
  readonly args: unknown[]
  /** Where among the arguments a signal stood; −1 without one. */
  readonly signalAt: number
}
interface LaneAnswer {
  readonly lane: number
  readonly value?: unknown
  readonly error?: unknown
}

interface Pending {
  resolve(value: unknown): void
  reject(reason: unknown): void
}

/** A message with the number of a call. Nothing else about it is known. */
const messageOf = (event: Event): (LaneAnswer & { readonly abort?: unknown }) | undefined => {
  const { data } = event as MessageEvent<LaneAnswer | null | undefined>
  return typeof data?.lane === 'number' ? data : undefined
}
const isAsk = (message: object): message is LaneAsk =>
  Array.isArray((message as Partial<LaneAsk>).args) && Number.isSafeInteger((message as Partial<LaneAsk>).signalAt)

/**
 * The asking end of a lane: a few methods that are called so often that comlink's part of a call is felt. Their messages
 * hold no functions, and a signal only as an argument of its own. All else is as with the link's other calls.
 */
export function createLaneCaller(
  carrier: Carrier,
  { fromWire, waitsForAborted }: { readonly fromWire: ErrorCodec['fromWire']; readonly waitsForAborted: boolean },
) {
  const pending = new Map<number, Pending>()
  let calls = 0
  let ended: { readonly reason: unknown } | undefined

  const take = (id: number): Pending | undefined => {
    const call = pending.get(id)
    pending.delete(id)
    return call
  }
  const hear = (event: Event) => {
    const message = messageOf(event)
    if (message === undefined) {
      // Of the link itself: the other side has missed a message.
      if ((event as MessageEvent<Notice | null | undefined>).data?.unreadable === true) rejectAll(toUnreadable())
      return
    }
    const call = take(message.lane)
    if (Object.hasOwn(message, 'error')) call?.reject(fromWire(message.error))
    else call?.resolve(message.value)
  }
  const rejectAll = (reason: unknown) => {
    for (const id of [...pending.keys()]) take(id)?.reject(reason)
  }
  const misread = () => rejectAll(toUnreadable())
  carrier.addEventListener('message', hear)
  carrier.addEventListener('messageerror', misread)

  const send = (id: number, method: string, given: readonly unknown[]): AbortSignal | undefined => {
    const args = [...given]
    let transfer: Transferable[] = []
    let signalAt = -1
    for (let index = 0; index < args.length; index += 1) {
      const value = args[index]
      if (value instanceof HandedOver) {
        args[index] = value.value
        transfer = transfer.concat(value.transfer)
      } else if (isInstance(value, 'AbortSignal')) {
        args[index] = undefined
        signalAt = index
      }
    }
    const signal = given[signalAt] as AbortSignal | undefined
    signal?.throwIfAborted()
    if (ended !== undefined) throw ended.reason
    try {
      carrier.postMessage({ lane: id, method, args, signalAt } satisfies LaneAsk, transfer)
    } catch (cause) {
      throw toUnsendable(cause)
    }
    return signal
  }

  return {
    /** @throws the signal's reason, an error of the other side, or the reason for which the link ended */
    call(method: string, given: readonly unknown[]): Promise<unknown> {
      return new Promise((resolve, reject) => {
        calls += 1
        const id = calls
        const signal = send(id, method, given)
        if (signal === undefined) {
          pending.set(id, { resolve, reject })
          return
        }
        const abort = () => {
          carrier.postMessage({ lane: id, abort: true }, [])
          if (!waitsForAborted) reject(signal.reason)
        }
        const settled = () => signal.removeEventListener('abort', abort)
        signal.addEventListener('abort', abort, { once: true })
        pending.set(id, {
          resolve(value) {
            settled()
            resolve(value)
          },
          reject(reason) {
            settled()
            reject(signal.aborted ? signal.reason : reason)
          },
        })
      })
    },
    end(reason: unknown) {
      if (ended !== undefined) return
      ended = { reason }
      carrier.removeEventListener('message', hear)
      carrier.removeEventListener('messageerror', misread)
      rejectAll(reason)
    },
  }
}

/** The answering end of a lane. Other methods than `methods` can't be reached over it. */
export function serveLane(
  carrier: Carrier,
  options: {
    readonly methods: object
    readonly serves: readonly string[]
    readonly toWire: ErrorCodec['toWire']
  },
) {
  const { serves, toWire } = options
  const methods = options.methods as Readonly<Record<string, unknown>>
  const underWay = new Map<number, AbortController>()

  const run = async (message: LaneAnswer | LaneAsk) => {
    const { lane } = message
    try {
      if (!isAsk(message)) throw toRefused()
      const { method, args, signalAt } = message
      const work = serves.includes(method) && Object.hasOwn(methods, method) && methods[method]
      if (typeof work !== 'function') throw toRefused()
      if (signalAt >= 0) {
        const controller = new AbortController()
        underWay.set(lane, controller)
        args[signalAt] = controller.signal
      }
      const given: unknown = await work(...args)
      answer(lane, given instanceof HandedOver ? given : new HandedOver(given, []))
    } catch (error) {
      carrier.postMessage({ lane, error: toWire(error) } satisfies LaneAnswer, [])
    } finally {
      underWay.delete(lane)
    }
  }
  const answer = (lane: number, { value, transfer }: HandedOver<unknown>) => {
    try {
      carrier.postMessage({ lane, value } satisfies LaneAnswer, transfer as Transferable[])
    } catch (cause) {
      throw toUnreadable(cause)
    }
  }
  const hear = (event: Event) => {
    const message = messageOf(event)
    if (message?.abort === true) underWay.get(message.lane)?.abort()
    else if (message !== undefined) void run(message)
  }
  carrier.addEventListener('message', hear)

  return {
    end(reason: unknown) {
      carrier.removeEventListener('message', hear)
      for (const controller of underWay.values()) controller.abort(reason)
      underWay.clear()
    },
  }
}
