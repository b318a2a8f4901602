import { errorCodec } from './error-codec.ts'
import { type LinkOptions, openLink } from './open-link.ts'

/**
 * Offers a worker's methods to the thread that started it. Errors that no method caught are reported to the page, where
 * they would otherwise leave calls pending.
 */
export function servePage(methods: object, { lane }: Pick<LinkOptions, 'lane'> = {}): void {
  openLink(
    {
      postMessage: (message, transfer) => postMessage(message, { transfer }),
      addEventListener: (type, listener) => globalThis.addEventListener(type, listener),
      removeEventListener: (type, listener) => globalThis.removeEventListener(type, listener),
    },
    {
      methods,
      lane,
      errors: errorCodec,
      // The page ends the worker: a worker that misses messages is in no known state.
      onUnreadable() {
        throw new Error('a message to this worker could not be read')
      },
    },
  )
  // An unhandled rejection raises no event on the page; thrown again outside the promise it raises `error` there.
  globalThis.addEventListener('unhandledrejection', (event) => {
    setTimeout(() => {
      throw event.reason
    })
  })
}
