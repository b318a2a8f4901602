import { afterEach, describe, expect, it } from 'vitest'
import type { SideThreadMethods } from '../../testing/side-thread-methods.ts'
import { openSideThread, type SideThread, scriptBeside } from './side-thread.ts'

const script = scriptBeside('../../testing/side-thread-methods', import.meta.url)
const threads: SideThread<SideThreadMethods>[] = []
const open = (options: Parameters<typeof openSideThread>[1] = {}) => {
  const thread = openSideThread<SideThreadMethods>(script, options)
  threads.push(thread)
  return thread
}
afterEach(async () => {
  for (const thread of threads.splice(0)) await thread.close()
})

describe('a side thread', () => {
  it('answers, with memory moved both ways and errors that keep their code', async () => {
    const thread = open()
    const bytes = new Uint8Array([1, 2])
    const doubled = await thread.call('double', [bytes], { transfer: [bytes.buffer] })
    expect(doubled).toEqual(new Uint8Array([2, 4]))
    expect(bytes.length).toBe(0)
    await expect(thread.call('refuse', [])).rejects.toMatchObject({ name: 'ValidationError', code: 'text-empty' })
  })

  it('rejects what can not be cloned, and answers the next call', async () => {
    const thread = open()
    await expect(thread.call('double', [(() => {}) as never])).rejects.toThrow(/could not be cloned/)
    expect(await thread.call('double', [new Uint8Array([1])])).toEqual(new Uint8Array([2]))
  })

  it('fails its calls and not the process when it needs more memory than it may have, and starts again', async () => {
    const faults: unknown[] = []
    const thread = open({ memoryBytes: 32 * 2 ** 20, onFault: (cause) => faults.push(cause) })
    await expect(thread.call('fill', [])).rejects.toMatchObject({ code: 'cloud-overloaded' })
    expect(faults).toEqual([expect.objectContaining({ code: 'ERR_WORKER_OUT_OF_MEMORY' })])
    expect(await thread.call('double', [new Uint8Array([3])])).toEqual(new Uint8Array([6]))
  })

  it('gives up a call that never ends, and starts again', async () => {
    const thread = open()
    await thread.call('double', [new Uint8Array([1])])
    await expect(thread.call('spin', [], { limitMs: 20 })).rejects.toMatchObject({ code: 'cloud-timeout' })
    expect(await thread.call('double', [new Uint8Array([3])])).toEqual(new Uint8Array([6]))
  })

  it('fails the calls under way when it is closed, and refuses later ones', async () => {
    const thread = open()
    const spinning = thread.call('spin', [])
    spinning.catch(() => {})
    await thread.close()
    await expect(spinning).rejects.toMatchObject({ code: 'cloud-overloaded' })
    await expect(thread.call('spin', [])).rejects.toMatchObject({ code: 'cloud-overloaded' })
  })
})
