import { openSideThread, scriptBeside } from '../endpoint/threads/side-thread.ts'
import type { BesideAnswer, BesideMethods, BesideRefusal, BesideUpstream } from './beside-methods.ts'

/** A client and upstreams in a thread of their own: what they do is not the endpoint's work. */
export interface Beside {
  /** Posts a body and reads the whole answer. A large body's memory is given away: copying it would be a turn's work. */
  ask(url: string, headers: Record<string, string>, body: Uint8Array): Promise<BesideAnswer>
  /** Starts a server of the protocol that gives everyone the same answer. @returns its address */
  upstream(options: BesideUpstream): Promise<string>
  /** Starts a server that refuses a request before it has all of it. @returns its address */
  refusing(options: BesideRefusal): Promise<string>
  close(): Promise<void>
}

export function openBeside(): Beside {
  const thread = openSideThread<BesideMethods>(scriptBeside('beside-methods', import.meta.url))
  return {
    async ask(url, headers, body) {
      const isWhole = body.byteLength === body.buffer.byteLength
      const own = new Uint8Array(isWhole ? (body.buffer as ArrayBuffer) : body)
      return thread.call('ask', [url, { headers, body: own }], { transfer: [own.buffer] })
    },
    upstream: async (options) => `http://127.0.0.1:${await thread.call('upstream', [options])}`,
    refusing: async (options) => `http://127.0.0.1:${await thread.call('refusing', [options])}`,
    close: thread.close,
  }
}
