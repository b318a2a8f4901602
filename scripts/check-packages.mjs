// Checks each package as it is published: publint, the types (attw), and that it lists the packages that it imports and
// no others (knip). Packs them first.
import { execFileSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'

const packed = '.cache/packages'
const run = (command, args) => {
  const path = join('node_modules/.bin', command)
  try {
    execFileSync(path, args, { encoding: 'utf8', stdio: 'pipe', shell: process.platform === 'win32' })
  } catch (error) {
    console.error(`${command} ${args.join(' ')}\n${error.stdout}${error.stderr}`)
    process.exitCode = 1
  }
}

execFileSync(process.execPath, ['scripts/pack.mjs'], { stdio: ['ignore', 'ignore', 'inherit'] })
const tarballs = readdirSync(packed).filter((name) => name.endsWith('.tgz'))
for (const tarball of tarballs) {
  const name = tarball.replace(/-\d+\.\d+\.\d+.*\.tgz$/, '')
  run('publint', ['--strict', join(packed, tarball)])
  // Where there is code to import. All is ESM, so how CommonJS or Node 10 would read it is of no interest.
  const hasTypes = readdirSync(join(packed, name)).includes('dist')
  if (hasTypes) run('attw', ['--profile', 'esm-only', '--no-emoji', join(packed, tarball)])
  const only = ['--no-gitignore', '--include', 'dependencies,unlisted', '--no-config-hints']
  run('knip', ['--directory', join(packed, name), '--config', '../../../knip.packed.json', ...only])
}
if (process.exitCode === undefined) console.log(`${tarballs.length} packages: publint, attw and knip find no fault.`)
