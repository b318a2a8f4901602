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
  writeFileSync,
} from 'node:fs'
import { basename, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { openFolder, packPackages } from './packages.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

const cache = join(root, '.cache')
let built: { readonly appDir: string } | undefined

/**
 * Packs the library, installs it into a plain Vite project with no configuration at all, checks the types there and
 * builds it. Returns the folder of the built page. It is built once for the same library: other processes find it.
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
  const folder = openFolder()
  // Complete or not there: another process may look for it meanwhile.
  const unfinished = mkdtempSync(join(cache, 'unfinished-'))
  try {
    build(folder)
    cpSync(join(folder.path, 'dist'), unfinished, { recursive: true })
    if (existsSync(appDir)) rmSync(unfinished, { recursive: true })
    else renameSync(unfinished, appDir)
    return { appDir }
  } finally {
    folder.remove()
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

function build(folder: ReturnType<typeof openFolder>): void {
  folder.run('npm', 'install', packPackages()('hither'))
  cpSync(join(root, 'e2e/plain-project'), folder.path, { recursive: true })
  writeFileSync(
    join(folder.path, 'tsconfig.json'),
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
  folder.run(process.execPath, join(root, 'node_modules/typescript/bin/tsc'), '-p', '.')
  folder.run(process.execPath, join(root, 'node_modules/vite/bin/vite.js'), 'build', '--logLevel', 'warn')
}
