import type { BrowserContext, Page } from '@playwright/test'

/** What a test puts before the edge worker's own script: the faults that only the worker's inside can have. */
export const workerFaults = {
  /** Keeps each graphics device, so that the test can destroy it in the middle of a run. */
  keepDevices: `
    const request = GPUAdapter.prototype.requestDevice
    GPUAdapter.prototype.requestDevice = async function (...given) {
      const device = await request.apply(this, given)
      ;(globalThis.devices ??= []).push(device)
      return device
    };`,
  /** What is read back from the graphics processor is not what it computed. */
  wrongReadBack: `
    const mapped = GPUBuffer.prototype.getMappedRange
    GPUBuffer.prototype.getMappedRange = function (...given) {
      const range = mapped.apply(this, given)
      if (this.usage & GPUBufferUsage.MAP_READ) new Float32Array(range).fill(Number.NaN)
      return range
    };`,
  /** The worker runs out of memory as soon as it is to load a model, and the whole tab with it. */
  exhaustMemoryOnLoad: `
    addEventListener('message', ({ data }) => {
      if (data?.path?.[0] !== 'load') return
      const hog = []
      for (;;) hog.push(Array.from({ length: 1e5 }, Math.random))
    });`,
} as const

/** Starts every edge worker with a fault in it. */
export async function injectIntoWorker(context: BrowserContext, fault: keyof typeof workerFaults): Promise<void> {
  await context.route('**/edge.worker*.js', async (route) => {
    const response = await route.fetch()
    await route.fulfill({ response, body: workerFaults[fault] + (await response.text()) })
  })
}

/**
 * Lets the device remember that a model ran fastest on WebGPU, as an earlier visit would have found where the graphics
 * processor is a fast one. A software adapter would not be chosen otherwise.
 */
export async function rememberWebgpuAsFastest(page: Page, model: string): Promise<void> {
  await page.evaluate(
    (key) =>
      new Promise<void>((resolve, reject) => {
        const opening = indexedDB.open('hither-records')
        opening.onerror = () => reject(opening.error)
        opening.onsuccess = () => {
          const store = opening.result.transaction('keyval', 'readwrite').objectStore('keyval')
          const reading = store.get('device')
          reading.onsuccess = () => {
            const warmups = [[key, { webgpu: 1, 'wasm/1': 1e6, 'wasm/2': 1e6, 'wasm/3': 1e6, 'wasm/4': 1e6 }]]
            store.put({ ...reading.result, warmups }, 'device')
          }
          store.transaction.oncomplete = () => {
            opening.result.close()
            resolve()
          }
        }
      }),
    model,
  )
}
