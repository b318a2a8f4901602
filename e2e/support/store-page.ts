// What tests of the store ask of the page, under the store's faults.
import type { Page } from '@playwright/test'
import type { Hither } from '../plain-project/main.ts'

declare const hither: Hither

export const chunkBytes = 8 * 1024 * 1024
export const mib = 1024 * 1024

/** Opens the page with a client of these settings; one connection at a time, so that requests come in order. */
export const open = async (page: Page, origin: string, storage: object = {}) => {
  await page.goto(origin)
  await page.evaluate((given) => hither.open({ storage: given }), { connections: 1, ...storage })
}
export const download = (page: Page, name: string) =>
  page.evaluate((model) => hither.settle(async (client) => client.models.download(model).then(() => 'stored')), name)
export const stateOf = (page: Page, name: string) =>
  page.evaluate((model) => hither.settle(async (client) => (await client.models.state(model)).status), name)
export const sizeOf = (page: Page, name: string) =>
  page.evaluate((model) => hither.settle(async (client) => (await client.models.size(model)).storedBytes), name)
export const verify = (page: Page, name: string) =>
  page.evaluate((model) => hither.settle((client) => client.models.verify(model)), name)
/** The code of a typed error; the outcome as text where it is none. */
export const codeOf = (outcome: Awaited<ReturnType<typeof download>>): string =>
  typeof outcome === 'object' && 'error' in outcome ? (outcome.error[1] ?? '') : String(outcome)
/** Starts a download and lets it run. */
export const begin = (page: Page, name: string) =>
  page.evaluate((model) => void hither.settle((client) => client.models.download(model)), name)
