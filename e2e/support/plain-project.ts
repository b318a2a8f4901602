import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../..', import.meta.url))

let built: { readonly appDir: string } | undefined

/**
 * Packs the library as `npm pack` does, puts it into a plain Vite project with no configuration at all, checks the
 * types there and builds it. Returns the folder of the built page. Tests that share a process share the page: it is
 * built once, and removed when the process ends.
 */
export function buildPlainProject() {
  built ??= build()
  return built
}

function build() {
  const folder = mkdtempSync(join(tmpdir(), 'hither-plain-'))
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
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  return { appDir: join(folder, 'dist') }
}
