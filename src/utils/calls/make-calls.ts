import { type Endpoint, transfer as withTransfer, wrap } from 'comlink'
import type { KeptFunctions } from './kept-functions.ts'
import { type PackedValues, packValues, unpackValues } from './pack-values.ts'
import { type Answer, type Ask, Failed, type Notice } from './settling-carrier.ts'

/** Makes one side's calls. */
export function createCaller(
  endpoint: Endpoint,
  options: {
    readonly kept: KeptFunctions
    readonly fromWire: (error: unknown) => Error
    readonly waitsForAborted: boolean
    readonly notify: (notice: Notice) => void
  },
) {
  const { kept, fromWire, waitsForAborted, notify } = options
  const ask = wrap<(ask: Ask) => Promise<Answer | Failed>>(endpoint)
  let signals = 0

  /** @throws the signal's reason, an error of the other side, or the reason for which the link ended */
  async function call(target: string | number, args: readonly unknown[]): Promise<unknown> {
    const listening: (() => void)[] = []
    const sent: number[] = []
    const transfer: Transferable[] = []
    let aborted: AbortSignal | undefined
    let giveUp: (reason: unknown) => void = () => {}

    const listen = (signal: AbortSignal): number => {
      signal.throwIfAborted()
      signals += 1
      const id = signals
      const abort = () => {
        aborted ??= signal
        notify({ abort: id })
        if (!waitsForAborted) giveUp(signal.reason)
      }
      signal.addEventListener('abort', abort, { once: true })
      listening.push(() => signal.removeEventListener('abort', abort))
      return id
    }
    const keep = (work: Parameters<KeptFunctions['keep']>[0]): number => {
      const id = kept.keep(work)
      sent.push(id)
      return id
    }
    const unsend = () => {
      for (const id of sent) kept.release(id)
    }

    const pack = () => {
      try {
        return packValues(args, { function: keep, signal: listen }, transfer)
      } catch (error) {
        unsend()
        throw error
      }
    }

    const read = (given: Answer | Failed): unknown => {
      if (given instanceof Failed) {
        if (given.isUnsent) unsend()
        throw given.reason
      }
      if (isFailure(given)) throw aborted === undefined ? fromWire(given.error) : aborted.reason
      const reviving = { function: kept.standIn, signal: refuseSignal }
      return unpackValues({ values: given.values, functions: given.functions ?? [] }, reviving)[0]
    }

    try {
      const result = ask(withTransfer({ target, ...pack() }, transfer)).then(read)
      if (listening.length === 0) return await result
      return await new Promise((resolve, reject) => {
        giveUp = reject
        result.then(resolve, reject)
      })
    } finally {
      for (const stop of listening) stop()
    }
  }
  return { call }
}

const isFailure = (answer: Answer): answer is Exclude<Answer, PackedValues> => Object.hasOwn(answer, 'error')

function refuseSignal(): never {
  throw new TypeError('an answer can’t hold a signal')
}
