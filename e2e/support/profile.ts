import { lstatSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type BrowserContext, chromium } from '@playwright/test'
// @ts-expect-error a script without types
import { browserArgs, findBrowser } from '../../scripts/find-browser.mjs'

/** A browser profile on disk that can be closed, killed, looked into and opened again. */
export function createProfile() {
  const folder = mkdtempSync(join(tmpdir(), 'hither-profile-'))
  let context: BrowserContext | undefined

  return {
    async open(): Promise<BrowserContext> {
      context = await chromium.launchPersistentContext(folder, {
        executablePath: findBrowser(),
        args: browserArgs,
        headless: true,
      })
      return context
    },
    /** Kills the browser's own process, as a crash or the system would: nothing is flushed or closed. */
    async kill(): Promise<void> {
      // The profile's lock names the process that holds it.
      const pid = Number(readlinkSync(join(folder, 'SingletonLock')).split('-').at(-1))
      const closed = new Promise<void>((resolve) => context?.once('close', () => resolve()))
      process.kill(pid, 'SIGKILL')
      await closed
      context = undefined
      for (const name of ['SingletonLock', 'SingletonCookie', 'SingletonSocket'])
        rmSync(join(folder, name), { force: true })
    },
    /** Does nothing to a browser that was killed. */
    async close(): Promise<void> {
      await context?.close()
      context = undefined
    },
    /** The files that hold the store's large values, the newest first: an old one may be of a chunk that was replaced. */
    blobFiles(): string[] {
      const root = join(folder, 'Default', 'IndexedDB')
      return readdirSync(root, { recursive: true, encoding: 'utf8' })
        .filter((path) => path.includes('.indexeddb.blob'))
        .map((path) => join(root, path))
        .filter((path) => statSync(path).isFile())
        .sort((a, b) => statSync(b).mtimeMs - statSync(a).mtimeMs)
    },
    /** Every file of it, whole. */
    files(): Buffer[] {
      return readdirSync(folder, { recursive: true, encoding: 'utf8' })
        .map((path) => join(folder, path))
        .filter((path) => lstatSync(path).isFile())
        .map((path) => readFileSync(path))
    },
    remove(): void {
      rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
    },
  }
}
