// Builds, unless what lies there was built from these very files: `npm start` and the tests then begin at once.
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** All that a build reads: folders, and files of the root by their ending. */
const folders = ['src', 'public', 'packages/hither-models/models']
const isRead = (name) => /^tsconfig.*\.json$|\.config\.(ts|mjs)$|\.html$|^package(-lock)?\.json$/.test(name)
/** All that it writes, and where it is noted what that was made from. */
const endpoint = 'packages/hither-endpoint'
const results = [
  'dist/index.js',
  `${endpoint}/dist/endpoint/index.js`,
  `${endpoint}/dist/ops-page/index.html`,
  'dist-app/index.html',
  'dist-app/widget.js',
]
const note = 'dist-app/.built-from'

function* filesIn(folder) {
  for (const name of readdirSync(folder).sort()) {
    const path = join(folder, name)
    if (statSync(path).isDirectory()) yield* filesIn(path)
    else yield path
  }
}

const hash = createHash('sha256').update(process.version)
const files = [...readdirSync('.').filter(isRead).sort(), `packages/hither-endpoint/tsconfig.json`]
for (const path of [...files, ...folders.flatMap((folder) => [...filesIn(folder)])]) {
  hash.update(`\n${path}\n`).update(readFileSync(path))
}
const source = hash.digest('hex')

const isBuilt = results.every((path) => existsSync(path)) && existsSync(note) && readFileSync(note, 'utf8') === source
if (!isBuilt) {
  execFileSync('npm', ['run', '--silent', 'build'], { stdio: 'inherit', shell: process.platform === 'win32' })
  writeFileSync(note, source)
}
