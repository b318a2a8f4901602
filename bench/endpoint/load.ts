import autocannon from 'autocannon'
import type { Body } from './models.ts'

/** Waits for answers, so that what is measured next finds sessions made and code compiled. @throws {Error} one is no answer */
export async function warmUp(url: string, { body, headers }: Body): Promise<void> {
  for (let count = 0; count < 20; count += 1) {
    const response = await fetch(url, { method: 'POST', headers, body: new Uint8Array(body) })
    await response.arrayBuffer()
    if (!response.ok) throw new Error(`${url} answered ${response.status}`)
  }
}

/** Requests a second with as many connections as keep the workers busy. */
export async function saturate(
  url: string,
  { body, headers }: Body,
  workers: number,
  seconds: number,
): Promise<number> {
  const connections = 4 * workers
  const result = await autocannon({ url, method: 'POST', headers, body, connections, duration: seconds, timeout: 30 })
  if (result['2xx'] > 0) return result['2xx'] / result.duration
  throw new Error(`${url} answered nothing: ${result.non2xx} other answers, ${result.errors} errors`)
}
