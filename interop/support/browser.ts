import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { chromium } from 'playwright'
import { build } from 'vite'
// @ts-expect-error a script without types
import { browserArgs, findBrowser } from '../../scripts/find-browser.mjs'
import type { CheckOptions, Outcome } from '../checks.ts'

/** A real browser on a page of an origin of its own, which runs the checks against any address. */
export async function openBrowserPage(): Promise<{
  readonly origin: string
  readonly runChecks: (url: string, digits: CheckOptions['digits']) => Promise<readonly Outcome[]>
  readonly version: string
  readonly close: () => Promise<void>
}> {
  const built = await build({
    configFile: false,
    logLevel: 'error',
    build: {
      write: false,
      rolldownOptions: {
        input: { page: fileURLToPath(new URL('../browser/page.ts', import.meta.url)) },
        output: { entryFileNames: '[name].js' },
      },
    },
  })
  const [bundle] = [built].flat()
  const output = bundle !== undefined && 'output' in bundle ? bundle.output : []
  const scripts = new Map(output.map((file) => [`/${file.fileName}`, file.type === 'chunk' ? file.code : file.source]))
  const server = createServer((request, response) => {
    const script = scripts.get(request.url ?? '')
    response.writeHead(200, { 'Content-Type': script === undefined ? 'text/html' : 'text/javascript' })
    response.end(script ?? '<!doctype html><title>interop</title><script type="module" src="/page.js"></script>')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const origin = `http://localhost:${(server.address() as AddressInfo).port}`
  const browser = await chromium.launch({ executablePath: findBrowser(), args: browserArgs })
  const page = await browser.newPage()
  await page.goto(origin)
  await page.waitForFunction(() => 'runInterop' in globalThis)
  return {
    origin,
    version: `Chromium ${browser.version()}`,
    runChecks: (url, digits) =>
      page.evaluate(
        ([url, digits]) =>
          (globalThis as unknown as { runInterop: (...args: unknown[]) => Promise<Outcome[]> }).runInterop(url, digits),
        [url, digits] as const,
      ),
    async close() {
      await browser.close()
      server.close()
    },
  }
}
