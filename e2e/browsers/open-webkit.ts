import { type ChildProcess, spawn } from 'node:child_process'
import { Builder, Capabilities } from 'selenium-webdriver'
import { freePort } from '../../src/testing/free-port.ts'
import type { BrowserDriver } from './browser-driver.ts'

async function answers(url: string): Promise<boolean> {
  try {
    return (await fetch(url)).ok
  } catch {
    return false
  }
}

async function waitFor(child: ChildProcess, url: string): Promise<void> {
  while (!(await answers(url))) {
    if (child.exitCode !== null) throw new Error(`${child.spawnfile} ended with code ${child.exitCode}`)
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}

/** WebKit's GTK port, the nearest thing to Safari that Linux has. It wants a display: Xvfb gives it one. */
export async function openWebkit(paths: {
  readonly driver: string
  readonly browser: string
  readonly display: string
}): Promise<BrowserDriver> {
  const port = await freePort()
  // A root user's WebKit has no sandbox to go into.
  const env = { ...process.env, ...(process.getuid?.() === 0 ? { WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS: '1' } : {}) }
  const child = spawn(paths.display, ['-a', '-s', '-screen 0 1280x900x24', paths.driver, `--port=${port}`], {
    env,
    stdio: 'ignore',
    detached: true,
  })
  const stop = () => {
    // The display and the driver are of one group.
    if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, 'SIGTERM')
  }
  try {
    await waitFor(child, `http://127.0.0.1:${port}/status`)
    const wanted = new Capabilities({
      browserName: 'MiniBrowser',
      'webkitgtk:browserOptions': { binary: paths.browser, args: ['--automation'] },
      timeouts: { script: 240_000, pageLoad: 60_000 },
    })
    const session = await new Builder().usingServer(`http://127.0.0.1:${port}`).withCapabilities(wanted).build()
    const version = (await session.getCapabilities()).getBrowserVersion()
    return {
      name: `WebKitGTK/${version ?? ''}`,
      goto: (url) => session.get(url),
      async evaluate(expression) {
        const answer = await session.executeAsyncScript<{ value?: unknown; error?: string }>(
          `const done = arguments[arguments.length - 1]
           Promise.resolve().then(() => (${expression})).then(
             (value) => done({ value }), (error) => done({ error: String(error) }))`,
        )
        if (answer.error !== undefined) throw new Error(answer.error)
        return answer.value
      },
      async close() {
        await session.quit().catch(() => {})
        stop()
      },
    }
  } catch (error) {
    stop()
    throw error
  }
}
