import { type BrowserContext, expect, type Page } from '@playwright/test'

/** What a test puts before the edge worker's own script: the faults that only the worker's inside can have. */
const workerFaults = {
  /**
   * Keeps each graphics device, so that the test can destroy it, at once or with the next work that a run submits to it
   * (`loseInRun`), and counts what is read back.
   */
  watchDevices: `
    const map = GPUBuffer.prototype.mapAsync
    GPUBuffer.prototype.mapAsync = function (mode, ...given) {
      if (mode & GPUMapMode.READ) globalThis.bytesRead = (globalThis.bytesRead ?? 0) + this.size
      return map.call(this, mode, ...given)
    };
    const request = GPUAdapter.prototype.requestDevice
    GPUAdapter.prototype.requestDevice = async function (...given) {
      const device = await request.apply(this, given)
      ;(globalThis.devices ??= []).push(device)
      return device
    }
    const submit = GPUQueue.prototype.submit
    GPUQueue.prototype.submit = function (...given) {
      submit.apply(this, given)
      if (!globalThis.loseInRun) return
      globalThis.loseInRun = false
      for (const device of globalThis.devices) device.destroy()
    };`,
  /** What is read back from the graphics processor is not what it computed. */
  wrongReadBack: `
    const mapped = GPUBuffer.prototype.getMappedRange
    GPUBuffer.prototype.getMappedRange = function (...given) {
      const range = mapped.apply(this, given)
      if (this.usage & GPUBufferUsage.MAP_READ) new Float32Array(range).fill(Number.NaN)
      return range
    };`,
  /** What is read back is 16 % off. */
  offReadBack: `
    const mapped = GPUBuffer.prototype.getMappedRange
    GPUBuffer.prototype.getMappedRange = function (...given) {
      const range = mapped.apply(this, given)
      if (this.usage & GPUBufferUsage.MAP_READ) {
        const values = new Float32Array(range)
        for (const [at, value] of values.entries()) values[at] = value * 1.16
      }
      return range
    };`,
  /**
   * The worker's clock stands still, but for ten seconds with each read from the graphics processor: WASM is faster
   * there than any prediction, and WebGPU slower, however fast the machine is.
   */
  onlyReadBackTakesTime: `
    let now = 0
    performance.now = () => now
    const map = GPUBuffer.prototype.mapAsync
    GPUBuffer.prototype.mapAsync = function (mode, ...given) {
      if (mode & GPUMapMode.READ) now += 10_000
      return map.call(this, mode, ...given)
    };`,
  /** By its clock, a worker takes ten seconds and more for all it does, until it has a graphics device: then nothing. */
  onlyWasmTakesTime: `
    let now = 0
    let hasDevice = false
    performance.now = () => (hasDevice ? now : (now += 10_000))
    const request = GPUAdapter.prototype.requestDevice
    GPUAdapter.prototype.requestDevice = function (...given) {
      hasDevice = true
      return request.apply(this, given)
    };`,
  /** The worker runs out of memory as soon as it is to load a model, and the whole tab with it. */
  exhaustMemoryOnLoad: `
    addEventListener('message', ({ data }) => {
      if (data?.argumentList?.[0]?.value?.target !== 'load') return
      const hog = []
      for (;;) hog.push(Array.from({ length: 1e5 }, Math.random))
    });`,
  /** Instead of a run's answer, which goes by the worker's lane, an error is thrown that nothing catches. */
  crashWhenAnswering: `
    const post = postMessage
    globalThis.postMessage = (message, options) => {
      if (!('lane' in message)) return post(message, options)
      setTimeout(() => {
        throw new Error('injected')
      })
    };`,
} as const

export type WorkerFault = keyof typeof workerFaults

/** Starts every edge worker with a fault in it. */
export async function injectIntoWorker(context: BrowserContext, fault: WorkerFault): Promise<void> {
  await context.route('**/edge.worker*.js', async (route) => {
    const response = await route.fetch()
    await route.fulfill({ response, body: workerFaults[fault] + (await response.text()) })
  })
}

/**
 * Lets the device remember that a model ran fastest on WebGPU, as an earlier visit would have found where the graphics
 * processor is a fast one. A software adapter would not be chosen otherwise. The client has to be closed before.
 *
 * @param others `slow`: WASM is remembered as far slower; `only`: nothing is remembered of WASM
 */
export async function rememberWebgpuAsFastest(
  page: Page,
  model: string,
  others: 'slow' | 'only' = 'slow',
): Promise<void> {
  // The closed client's background worker may still be writing what it knows of the device.
  await expect.poll(() => page.workers().length).toBe(0)
  const slow = Object.fromEntries([1, 2, 3, 4].map((threads) => [`wasm/${threads}`, 1e6]))
  // Zero, because what is predicted for WASM is below any other time on a machine that is fast enough.
  const times = { webgpu: 0, ...(others === 'slow' ? slow : {}) }
  await page.evaluate(
    ([key, remembered]) =>
      new Promise<void>((resolve, reject) => {
        const opening = indexedDB.open('hither-records')
        opening.onerror = () => reject(opening.error)
        opening.onsuccess = () => {
          const store = opening.result.transaction('keyval', 'readwrite').objectStore('keyval')
          const reading = store.get('device')
          reading.onsuccess = () => {
            if (reading.result === undefined) reject(new Error('The client that ran before remembered no device.'))
            store.put({ ...reading.result, warmups: [[key, remembered]] }, 'device')
          }
          store.transaction.oncomplete = () => {
            opening.result.close()
            resolve()
          }
        }
      }),
    [model, times] as const,
  )
}
