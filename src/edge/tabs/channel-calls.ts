import * as v from 'valibot'
import { type ErrorData, fromErrorData, toErrorData } from '../../errors/error-data.ts'
import { abortable } from '../../utils/abortable.ts'

const messageSchema = v.variant('kind', [
  v.object({ kind: v.literal('call'), id: v.number(), method: v.string(), args: v.array(v.unknown()) }),
  v.object({ kind: v.literal('answer'), id: v.number(), ok: v.literal(true), value: v.unknown() }),
  v.object({ kind: v.literal('answer'), id: v.number(), ok: v.literal(false), error: v.unknown() }),
  v.object({ kind: v.literal('abort'), id: v.number() }),
])

/** What the other end may call. The signal aborts when its caller does. */
export type CallHandlers = Readonly<Record<string, (signal: AbortSignal, ...args: never[]) => unknown>>

/** One end of a channel between two tabs: calls the other end's methods, and answers its calls. */
export interface ChannelCalls {
  /** Rejects with the other end's error, with `signal.reason`, or with the reason of `close`. */
  call<T>(method: string, args: readonly unknown[], signal?: AbortSignal): Promise<T>
  /** Rejects what is pending, and ends the calls that were being answered. Idempotent. */
  close(reason: unknown): void
}

/** Opens an end of the channel of this name. Tensors are copied: a channel between tabs cannot hand them over. */
export function openChannelCalls(name: string, handlers: CallHandlers): ChannelCalls {
  const channel = new BroadcastChannel(name)
  const pending = new Map<number, { resolve: (value: unknown) => void; reject: (reason: unknown) => void }>()
  const answering = new Map<number, AbortController>()
  let ids = 0
  let closed: { readonly reason: unknown } | undefined

  const answer = async (id: number, method: string, args: readonly unknown[]) => {
    const controller = new AbortController()
    answering.set(id, controller)
    const message: object = await (async () => {
      const handler = Object.hasOwn(handlers, method) ? handlers[method] : undefined
      if (handler === undefined) throw new TypeError(`the other tab has no ${method}`)
      return { ok: true, value: await handler(controller.signal, ...(args as never[])) }
    })().catch((error) => ({ ok: false, error: toErrorData(error) }))
    answering.delete(id)
    if (closed === undefined) channel.postMessage({ kind: 'answer', id, ...message })
  }

  channel.onmessage = ({ data }: MessageEvent<unknown>) => {
    const parsed = v.safeParse(messageSchema, data)
    if (!parsed.success) return
    const message = parsed.output
    if (message.kind === 'call') void answer(message.id, message.method, message.args)
    else if (message.kind === 'abort') answering.get(message.id)?.abort()
    else {
      const waiting = pending.get(message.id)
      pending.delete(message.id)
      if (message.ok) waiting?.resolve(message.value)
      else waiting?.reject(fromErrorData(message.error as ErrorData))
    }
  }

  return {
    call<T>(method: string, args: readonly unknown[], signal?: AbortSignal): Promise<T> {
      if (closed !== undefined) return Promise.reject(closed.reason)
      ids += 1
      const id = ids
      const answered = new Promise<unknown>((resolve, reject) => {
        pending.set(id, { resolve, reject })
        channel.postMessage({ kind: 'call', id, method, args })
      })
      const abort = () => {
        if (pending.delete(id)) channel.postMessage({ kind: 'abort', id })
      }
      signal?.addEventListener('abort', abort, { once: true })
      return abortable(answered, signal).finally(() => signal?.removeEventListener('abort', abort)) as Promise<T>
    },
    close(reason) {
      if (closed !== undefined) return
      closed = { reason }
      channel.close()
      for (const { reject } of pending.values()) reject(reason)
      pending.clear()
      for (const controller of answering.values()) controller.abort(reason)
      answering.clear()
    },
  }
}
