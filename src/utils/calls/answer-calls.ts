import { type Endpoint, expose, transfer as withTransfer } from 'comlink'
import { toRefused } from './call-errors.ts'
import type { KeptFunctions } from './kept-functions.ts'
import { packValues, unpackValues } from './pack-values.ts'
import type { Answer, Ask } from './settling-carrier.ts'

/** Answers one side's calls, by one function that comlink exposes. */
export function createAnswerer(
  endpoint: Endpoint,
  options: {
    readonly methods: Readonly<Record<string, unknown>>
    readonly kept: KeptFunctions
    readonly toWire: (error: unknown) => unknown
  },
) {
  const { methods, kept, toWire } = options
  const underWay = new Map<number, AbortController>()

  const workOf = (target: string | number) => {
    const work = typeof target === 'number' ? kept.get(target) : Object.hasOwn(methods, target) && methods[target]
    if (typeof work !== 'function') throw toRefused()
    return work
  }
  /** Never rejects: comlink would carry an error without its code. */
  const answer = async (ask: Ask): Promise<Answer> => {
    const signals: number[] = []
    try {
      const work = workOf(ask.target)
      const args = unpackValues(ask, {
        function: kept.standIn,
        signal(id) {
          const controller = new AbortController()
          underWay.set(id, controller)
          signals.push(id)
          return controller.signal
        },
      })
      const value: unknown = await work(...args)
      const transfer: Transferable[] = []
      const packed = packValues([value], { function: kept.keep, signal: refuseSignal }, transfer)
      return withTransfer(packed, transfer)
    } catch (error) {
      return { error: toWire(error) }
    } finally {
      for (const id of signals) underWay.delete(id)
    }
  }
  expose(answer, endpoint)

  return {
    /** The caller's signal of this number has aborted. */
    abort: (id: number) => underWay.get(id)?.abort(),
    /** The caller has gone. */
    abortAll(reason: unknown) {
      for (const controller of underWay.values()) controller.abort(reason)
      underWay.clear()
    },
  }
}

function refuseSignal(): never {
  throw new TypeError('an answer can’t hold a signal')
}
