import { parentPort } from 'node:worker_threads'
import { toErrorData } from '../../errors/error-data.ts'
import type { ThreadAnswer, ThreadCall, ThreadMethods } from './thread-calls.ts'

/**
 * Offers methods to the thread that started this one, which calls them through `openSideThread`. Call it once, when the
 * thread's script begins: calls that came before wait for it.
 */
export function serveThread(methods: ThreadMethods): void {
  const answer = async ({ id, method, args }: ThreadCall): Promise<[ThreadAnswer, readonly ArrayBuffer[]]> => {
    try {
      const { value, transfer = [] } = await (methods[method] as (...args: unknown[]) => ReturnType<never>)(...args)
      return [{ id, status: 'done', value }, transfer]
    } catch (error) {
      return [{ id, status: 'failed', error: toErrorData(error) }, []]
    }
  }
  parentPort?.on('message', async (call: ThreadCall) => {
    const [message, transfer] = await answer(call)
    parentPort?.postMessage(message, transfer)
  })
}
