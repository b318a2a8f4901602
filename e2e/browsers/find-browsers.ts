import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
// @ts-expect-error a script without types
import { findBrowser } from '../../scripts/find-browser.mjs'
import type { BrowserDriver } from './browser-driver.ts'
import { openPuppeteer } from './open-puppeteer.ts'
import { openWebkit } from './open-webkit.ts'

export const browserNames = ['chromium', 'firefox', 'webkit'] as const
export type BrowserName = (typeof browserNames)[number]

/** Debian's packages of each, and what it takes to run them without a screen. */
const packages: Record<Exclude<BrowserName, 'chromium'>, readonly string[]> = {
  firefox: ['firefox-esr'],
  webkit: ['webkit2gtk-driver', 'xvfb', 'xauth'],
}

const firstOf = (paths: readonly (string | undefined)[]) =>
  paths.find((path) => path !== undefined && path !== '' && existsSync(path))

function firefoxPath(): string | undefined {
  return firstOf([process.env.FIREFOX_PATH, '/usr/bin/firefox-esr', '/usr/bin/firefox', '/snap/bin/firefox'])
}

/** The small browser lies in a folder that is named by the processor's and the library's version. */
function webkitPaths() {
  const driver = firstOf(['/usr/bin/WebKitWebDriver'])
  const display = firstOf(['/usr/bin/xvfb-run'])
  const folders = readdirSync('/usr/lib').flatMap((triple) =>
    ['webkit2gtk-4.1', 'webkit2gtk-4.0', 'webkitgtk-6.0'].map((name) => `/usr/lib/${triple}/${name}/MiniBrowser`),
  )
  const browser = firstOf([process.env.MINIBROWSER_PATH, ...folders])
  return driver && display && browser ? { driver, display, browser } : undefined
}

function install(name: keyof typeof packages): void {
  const isDebian = process.platform === 'linux' && existsSync('/etc/debian_version')
  if (!isDebian || process.getuid?.() !== 0) {
    throw new Error(`not installed; on Debian: apt-get install ${packages[name].join(' ')}`)
  }
  process.stderr.write(`browsers: installing ${packages[name].join(', ')}\n`)
  const options = {
    stdio: ['ignore', 2, 2] as ['ignore', number, number],
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  }
  execFileSync('apt-get', ['update', '-qq'], options)
  execFileSync('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...packages[name]], options)
}

/** Opens a browser, installing it first where that can be done. */
export async function openBrowser(name: BrowserName): Promise<BrowserDriver> {
  if (name === 'chromium') return openPuppeteer('chrome', findBrowser())
  if (name === 'firefox') {
    if (firefoxPath() === undefined) install(name)
    const path = firefoxPath()
    if (path === undefined) throw new Error('installed, but not found: name it in FIREFOX_PATH')
    return openPuppeteer('firefox', path)
  }
  if (webkitPaths() === undefined) install(name)
  const paths = webkitPaths()
  if (paths === undefined) throw new Error('installed, but not found: name its small browser in MINIBROWSER_PATH')
  return openWebkit(paths)
}
