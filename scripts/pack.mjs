// npm run pack: packs the four packages as they are published, into .cache/packages. A folder each, to look at, and a
// tarball each, which the tests install and `npm run release` publishes. Wants a build; packs only what has changed.
//
// Not `npm pack` alone: onnxruntime's packages are put inside of ours (scripts/trimmed-runtimes.mjs), and what only the
// repository needs of a package.json stays behind.
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { writeOnnxruntimeNode, writeOnnxruntimeWeb } from './trimmed-runtimes.mjs'

/** Where each package lies, what must have been built, and the runtime inside of it. */
const packages = [
  { name: 'hither', folder: '.', built: 'dist/index.js', runtime: 'onnxruntime-web', write: writeOnnxruntimeWeb },
  {
    name: 'hither-endpoint',
    folder: 'packages/hither-endpoint',
    built: 'packages/hither-endpoint/dist/ops-page/index.html',
    runtime: 'onnxruntime-node',
    write: writeOnnxruntimeNode,
  },
  { name: 'hither-models', folder: 'packages/hither-models' },
  { name: 'create-hither', folder: 'packages/create-hither' },
]
/** All that goes into them. */
const sources = ['dist', 'packages', 'scripts', 'package-lock.json', 'package.json', 'LICENSE', 'CHANGELOG.md']
const isSource = (name) => sources.includes(name) || /^README.*\.md$/.test(name)
const onlyForRepository = ['scripts', 'devDependencies', 'workspaces', 'overrides', 'size-limit']

process.chdir(fileURLToPath(new URL('..', import.meta.url)))
const target = '.cache/packages'
const note = 'packed-from'

/** The hash of all files that are packed. */
function hashSources() {
  const hash = createHash('sha256').update(process.version)
  const add = (path) => {
    if (!statSync(path).isDirectory()) hash.update(`\n${path}\n`).update(readFileSync(path))
    else for (const name of readdirSync(path).sort()) if (name !== 'node_modules') add(join(path, name))
  }
  for (const name of readdirSync('.').filter(isSource).sort()) add(name)
  return hash.digest('hex')
}

function pack(folder, destination) {
  const args = ['pack', '--json', '--ignore-scripts', '--pack-destination', resolve(destination)]
  const options = { cwd: folder, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'], maxBuffer: 1e8 }
  const [packed] = JSON.parse(execFileSync('npm', args, { ...options, shell: process.platform === 'win32' }))
  return join(destination, packed.filename)
}

function packAll(into) {
  for (const { name, folder, built, runtime, write } of packages) {
    if (built !== undefined && !existsSync(built)) throw new Error(`There is no ${built}: run "npm run build" first.`)
    const staged = join(into, name)
    mkdirSync(staged)
    const plain = pack(folder, staged)
    execFileSync('tar', ['-xzf', plain, '-C', staged, '--strip-components=1'])
    rmSync(plain)
    const manifest = JSON.parse(readFileSync(join(staged, 'package.json'), 'utf8'))
    for (const key of onlyForRepository) delete manifest[key]
    if (runtime !== undefined) {
      write(join(staged, 'node_modules', runtime))
      manifest.bundleDependencies = [runtime]
    }
    writeFileSync(join(staged, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`)
    pack(staged, into)
  }
}

const source = hashSources()
const isPacked = () => existsSync(join(target, note)) && readFileSync(join(target, note), 'utf8') === source
if (!isPacked()) {
  mkdirSync('.cache', { recursive: true })
  // Whole or absent: tests in several processes may want the packages at once.
  const unfinished = mkdtempSync('.cache/packing-')
  try {
    packAll(unfinished)
    writeFileSync(join(unfinished, note), source)
    if (!isPacked()) {
      rmSync(target, { recursive: true, force: true })
      renameSync(unfinished, target)
    }
  } finally {
    rmSync(unfinished, { recursive: true, force: true })
  }
}
for (const name of readdirSync(target).filter((name) => name.endsWith('.tgz'))) {
  console.log(`${join(target, name)}: ${(statSync(join(target, name)).size / 1e6).toFixed(1)} MB`)
}
