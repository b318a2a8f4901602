// Finds a Chromium for the tests, installing one if there is none: CHROMIUM_PATH, Playwright's own, the system's,
// then `playwright install`, then apt as root on Debian. Says on stderr what it did.
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { chromium } from 'playwright'

const systemPaths = [
  '/usr/lib/chromium/chromium',
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome-stable',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  'C:/Program Files/Google/Chrome/Application/chrome.exe',
]

const say = (text) => process.stderr.write(`browser: ${text}\n`)

function findInstalled() {
  const named = process.env.CHROMIUM_PATH
  if (named) {
    if (!existsSync(named)) throw new Error(`CHROMIUM_PATH names ${named}, which does not exist`)
    return { path: named, from: 'CHROMIUM_PATH' }
  }
  const own = chromium.executablePath()
  if (own && existsSync(own)) return { path: own, from: "Playwright's own" }
  const system = systemPaths.find((path) => existsSync(path))
  return system && { path: system, from: "the system's" }
}

function install() {
  say('none found; trying `playwright install chromium`')
  const playwright = spawnSync(process.execPath, ['node_modules/playwright/cli.js', 'install', 'chromium'], {
    stdio: ['ignore', 2, 2],
    timeout: 300_000,
  })
  if (playwright.status === 0) return
  if (process.platform !== 'linux' || process.getuid?.() !== 0 || !existsSync('/etc/debian_version')) {
    throw new Error('no Chromium: install one, or name one in CHROMIUM_PATH')
  }
  say("that failed; installing Debian's chromium with apt")
  execFileSync('apt-get', ['update', '-qq'], { stdio: ['ignore', 2, 2] })
  execFileSync('apt-get', ['install', '-y', '-qq', '--no-install-recommends', 'chromium', 'fonts-dejavu-core'], {
    stdio: ['ignore', 2, 2],
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  })
}

/** Path of a Chromium executable. */
export function findBrowser() {
  let found = findInstalled()
  if (!found) {
    install()
    found = findInstalled()
    if (!found) throw new Error('a browser was installed but cannot be found: name it in CHROMIUM_PATH')
  }
  if (!process.env.HITHER_BROWSER_SAID) {
    say(`using ${found.from}: ${found.path}`)
    process.env.HITHER_BROWSER_SAID = '1'
  }
  return found.path
}

/** Flags for a browser that runs on a closed network, as root or not. */
export const browserArgs = [
  '--no-sandbox',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]
