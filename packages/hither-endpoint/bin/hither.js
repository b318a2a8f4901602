#!/usr/bin/env node
import { existsSync } from 'node:fs'

const cli = new URL('../dist/endpoint/cli/cli.js', import.meta.url)
if (existsSync(cli)) {
  const { main } = await import(cli.href)
  await main(process.argv.slice(2), process.env)
} else {
  process.stderr.write('hither: It is not built yet; run "npm run build" in the repository first.\n')
  process.exitCode = 1
}
