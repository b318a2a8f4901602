// npm run release: publishes what `npm run pack` has packed, the packages that others depend on first.
// With --dry-run (npm run publish:dry) it says what would be published, and needs no login.
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

const { version } = JSON.parse(readFileSync('package.json', 'utf8'))
const order = ['hither-models', 'hither', 'hither-endpoint', 'create-hither']
execFileSync(process.execPath, ['scripts/pack.mjs'], { stdio: ['ignore', 'ignore', 'inherit'] })
for (const name of order) {
  const args = ['publish', `.cache/packages/${name}-${version}.tgz`, '--access', 'public', ...process.argv.slice(2)]
  execFileSync('npm', args, { stdio: 'inherit', shell: process.platform === 'win32' })
}
