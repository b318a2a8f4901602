import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, type Page, test } from '@playwright/test'
import {
  commandsOf,
  filesBelow,
  installedPackages,
  openFolder,
  packPackages,
  readmeBlocks,
  startServer,
} from './support/packages.ts'

// The packages as npm installs them from their tarballs into an empty folder, without a flag or an .npmrc of ours.

test.describe.configure({ timeout: 300_000 })

const root = fileURLToPath(new URL('..', import.meta.url))
const { devDependencies, version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
const vite = `vite@${devDependencies.vite}`
const listening = /Hither listens on (http:\S+)/
const viteListens = /(http:\/\/localhost:\d+)/

let tarball: (name: string) => string
let folder: ReturnType<typeof openFolder>
test.beforeAll(() => {
  test.setTimeout(300_000)
  tarball = packPackages()
})
test.beforeEach(() => {
  folder = openFolder()
})
test.afterEach(() => folder.remove())

const sum = (files: readonly { readonly bytes: number }[]) => files.reduce((total, { bytes }) => total + bytes, 0)
const expectQuiet = (stderr: string) => expect(stderr).not.toMatch(/warn|EBADENGINE|install-scripts/i)
/** Names of packages with a script that npm runs when it installs them. */
const withScripts = (modules: string) =>
  installedPackages(modules)
    .filter(({ installScripts }) => installScripts.length > 0)
    .map(({ name }) => name)

async function expectSeven(page: Page, origin: string): Promise<void> {
  await page.goto(origin)
  await expect(page.locator('body')).toContainText('7, from the edge')
}

test('hither alone is few packages, small, with no native code, no install script and no warning', () => {
  expectQuiet(folder.run('npm', 'install', tarball('hither')))
  const modules = join(folder.path, 'node_modules')
  const own = join(modules, 'hither')
  expect(installedPackages(modules).length).toBeLessThanOrEqual(32)
  expect(withScripts(modules)).toEqual([])
  const files = filesBelow(modules)
  expect(files.filter(({ path }) => /\.(node|dll|dylib|so(\.\d+)*)$/.test(path))).toEqual([])
  expect(sum(files)).toBeLessThanOrEqual(160e6)
  expect(sum(filesBelow(own).filter(({ path }) => !path.startsWith('node_modules')))).toBeLessThanOrEqual(3e6)
})

test('the first snippet of README.md builds in a project of its own and answers, and so it does in development', async ({
  page,
}) => {
  const heading = '## The library'
  folder.run('npm', 'install', vite)
  for (const [command = '', ...args] of commandsOf(readmeBlocks(heading, 'sh')[0] ?? '', tarball)) {
    folder.run(command, ...args)
  }
  const [snippet = '', ...more] = readmeBlocks(heading, 'ts')
  writeFileSync(join(folder.path, 'main.ts'), snippet)
  writeFileSync(join(folder.path, 'index.html'), '<body><script type="module" src="/main.ts"></script></body>')
  folder.run('npx', 'vite', 'build')
  const built = await startServer(folder.path, viteListens, 'npx', 'vite', 'preview', '--port', '0')
  try {
    await expectSeven(page, built.origin)
  } finally {
    await built.stop()
  }
  writeFileSync(join(folder.path, 'vite.config.ts'), more.find((code) => code.includes('defineConfig')) ?? '')
  const dev = await startServer(folder.path, viteListens, 'npx', 'vite', '--port', '0')
  try {
    await expectSeven(page, dev.origin)
  } finally {
    await dev.stop()
  }
})

test('README.zh-CN.md has the same commands and the same first snippet', () => {
  const plain = (code = '') => code.replace(/ *\/\/.*$/gm, '')
  const [snippet] = readmeBlocks('## The library', 'ts')
  expect(plain(readmeBlocks('## 库', 'ts', 'README.zh-CN.md')[0])).toBe(plain(snippet))
  expect(readmeBlocks('## 库', 'sh', 'README.zh-CN.md')).toEqual(readmeBlocks('## The library', 'sh'))
  expect(readmeBlocks('## 单独运行端点', 'sh', 'README.zh-CN.md')).toEqual(readmeBlocks('## The endpoint alone', 'sh'))
})

test('hither-endpoint installs with no script to run, and "npx hither serve" answers a request', async () => {
  const [install, serve] = commandsOf(readmeBlocks('## The endpoint alone', 'sh')[0] ?? '', tarball)
  // Of ours, it depends on the models: not in a registry before the first release.
  expectQuiet(folder.run('npm', ...(install ?? []).slice(1), tarball('hither-models')))
  expect(withScripts(join(folder.path, 'node_modules'))).toEqual([])
  const data = ['--data', join(folder.path, 'data'), '--open-ops']
  const server = await startServer(folder.path, listening, 'npx', ...(serve ?? []).slice(1), ...data)
  try {
    const inputs = [{ name: 'image', datatype: 'UINT8', shape: [1, 1, 28, 28], data: Array(784).fill(0) }]
    const answer = await fetch(`${server.origin}/v2/models/digits/infer`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ inputs }),
    })
    expect(await answer.json()).toMatchObject({ outputs: [{ name: 'probabilities', shape: [1, 10] }] })
    expect(await (await fetch(`${server.origin}/v2`)).json()).toMatchObject({ version })
    expect(await (await fetch(`${server.origin}/ops/`)).text()).toContain('<ops-page>')
  } finally {
    await server.stop()
  }
})

test('the starter of create-hither answers on both arms, and under its development server', async ({ page }) => {
  folder.run('npm', 'install', tarball('create-hither'), tarball('hither-models'))
  folder.run('npx', 'create-hither', 'my-app')
  const app = join(folder.path, 'my-app')
  const inApp = (...args: string[]) => execFileSync('npm', ['--prefix', app, ...args], { cwd: app, stdio: 'ignore' })
  expect(JSON.parse(readFileSync(join(app, 'package.json'), 'utf8'))).toMatchObject({
    name: 'my-app',
    dependencies: { hither: `^${version}`, 'hither-endpoint': `^${version}` },
  })
  inApp('install', ...['hither', 'hither-endpoint', 'hither-models'].map(tarball))
  const draw = async (privacy: string) => {
    await page.locator('select').selectOption(privacy)
    const box = await page.locator('canvas').boundingBox()
    if (box === null) throw new Error('no canvas')
    await page.mouse.move(box.x + 80, box.y + 60)
    await page.mouse.down()
    await page.mouse.move(box.x + 200, box.y + 60, { steps: 5 })
    await page.mouse.move(box.x + 120, box.y + 230, { steps: 5 })
    await page.mouse.up()
  }
  const server = await startServer(app, listening, 'npm', 'start')
  try {
    await page.goto(server.origin)
    expect(await page.evaluate(() => crossOriginIsolated)).toBe(true)
    await draw('edge-only')
    await expect(page.locator('output')).toContainText('7, from the edge')
    await draw('cloud-only')
    await expect(page.locator('output')).toContainText('7, from the cloud')
  } finally {
    await server.stop()
  }
  const dev = await startServer(app, viteListens, 'npx', 'vite', '--port', '0')
  try {
    await page.goto(dev.origin)
    await draw('edge-only')
    await expect(page.locator('output')).toContainText('7, from the edge')
  } finally {
    await dev.stop()
  }
})

test('all four would be published, as they are packed', () => {
  const said = execFileSync(process.execPath, [join(root, 'scripts/publish.mjs'), '--dry-run'], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  for (const name of ['hither', 'hither-endpoint', 'hither-models', 'create-hither']) {
    expect(said).toContain(`+ ${name}@${version}`)
    const manifest = JSON.parse(readFileSync(join(root, '.cache/packages', name, 'package.json'), 'utf8'))
    expect(manifest).toMatchObject({
      version,
      license: expect.any(String),
      homepage: expect.stringContaining('github.com/hither-ai/hither'),
      bugs: { url: expect.any(String) },
      repository: { type: 'git', url: expect.any(String) },
    })
    expect(manifest.scripts).toBeUndefined()
  }
})
