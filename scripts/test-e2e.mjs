// npm run test:e2e [-- ARGUMENTS]: both Playwright projects, one after the other. Each runs whatever came of the other,
// and the exit status is the first one's that failed. Arguments go to both.
import { spawnSync } from 'node:child_process'

const projects = [['--project=alone', '--workers=1'], ['--project=together']]
const given = process.argv.slice(2)
const statuses = projects.map((flags) => {
  // One of the projects may have no test that the arguments name.
  const args = ['playwright', 'test', ...flags, ...(given.length === 0 ? [] : ['--pass-with-no-tests', ...given])]
  const { status } = spawnSync('npx', args, { stdio: 'inherit', shell: process.platform === 'win32' })
  return status ?? 1
})
process.exitCode = statuses.find((status) => status !== 0) ?? 0
