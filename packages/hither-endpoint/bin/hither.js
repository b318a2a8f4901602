#!/usr/bin/env node
import { existsSync } from 'node:fs'

const built = (name) => new URL(`../dist/endpoint/cli/${name}.js`, import.meta.url)
if (!existsSync(built('cli'))) {
  process.stderr.write('hither: It is not built yet; run "npm run build" in the repository first.\n')
  process.exitCode = 1
} else if (process.pid === 1) {
  // A container's first process can't be ended by a signal that it has no handler for.
  const { runAsInit } = await import(built('run-as-init').href)
  process.exit(await runAsInit([process.execPath, ...process.execArgv, ...process.argv.slice(1)]))
} else {
  const { main } = await import(built('cli').href)
  await main(process.argv.slice(2), process.env)
}
