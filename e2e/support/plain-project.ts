import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../..', import.meta.url))

const cache = join(root, '.cache')
let built: { readonly appDir: string } | undefined

/**
 * Packs the library as `npm pack` does, puts it into a plain Vite project with no configuration at all, checks the
 * types there and builds it. Returns the folder of the built page. It is built once for the same library: processes
 * find what another one has built.
 */
export function buildPlainProject() {
  built ??= findOrBuild()
  return built
}

function findOrBuild() {
  const appDir = join(
    cache,
    `plain-${keyOf([join(root, 'dist'), join(root, 'e2e/plain-project'), join(root, 'package.json')])}`,
  )
  if (existsSync(appDir)) return { appDir }
  mkdirSync(cache, { recursive: true })
  for (const name of readdirSync(cache)) {
    const isOther = name.startsWith('plain-') && name !== basename(appDir)
    if (isOther) rmSync(join(cache, name), { recursive: true, force: true })
  }
  const folder = mkdtempSync(join(tmpdir(), 'hither-plain-'))
  // Complete or not there: another process may look for it meanwhile.
  const unfinished = mkdtempSync(join(cache, 'unfinished-'))
  try {
    build(folder)
    cpSync(join(folder, 'dist'), unfinished, { recursive: true })
    if (existsSync(appDir)) rmSync(unfinished, { recursive: true })
    else renameSync(unfinished, appDir)
    return { appDir }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** The hash of all files in these places. */
function keyOf(paths: readonly string[]): string {
  const hash = createHash('sha256')
  const add = (path: string) => {
    if (statSync(path).isDirectory()) for (const name of readdirSync(path).sort()) add(join(path, name))
    else hash.update(`\n${relative(root, path)}\n`).update(readFileSync(path))
  }
  for (const path of paths) add(path)
  return hash.digest('hex').slice(0, 16)
}

function build(folder: string): void {
  const modules = join(folder, 'node_modules')
  mkdirSync(join(modules, 'hither'), { recursive: true })
  for (const name of readdirSync(join(root, 'node_modules'))) {
    if (name !== 'hither' && !name.startsWith('.')) symlinkSync(join(root, 'node_modules', name), join(modules, name))
  }
  const quiet = { cwd: root, encoding: 'utf8' as const }
  const [packed] = JSON.parse(
    execFileSync('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', folder], quiet),
  )
  execFileSync('tar', ['-xzf', join(folder, packed.filename), '-C', join(modules, 'hither'), '--strip-components=1'])
  cpSync(join(root, 'e2e/plain-project'), folder, { recursive: true })
  writeFileSync(join(folder, 'package.json'), '{ "name": "plain", "private": true, "type": "module" }')
  writeFileSync(
    join(folder, 'tsconfig.json'),
    JSON.stringify({
      compilerOptions: {
        target: 'ES2022',
        module: 'ESNext',
        moduleResolution: 'Bundler',
        strict: true,
        noEmit: true,
        skipLibCheck: false,
        allowImportingTsExtensions: true,
        types: [],
        lib: ['ES2023', 'DOM', 'DOM.Iterable'],
      },
      files: ['main.ts'],
    }),
  )
  const inProject = { ...quiet, cwd: folder }
  execFileSync(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', '.'], inProject)
  execFileSync(
    process.execPath,
    [join(root, 'node_modules/vite/bin/vite.js'), 'build', '--logLevel', 'warn'],
    inProject,
  )
}
