#!/usr/bin/env node
// npm create hither DIR: writes a starter project into an empty folder.
import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const template = fileURLToPath(new URL('../template', import.meta.url))
const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))
const usage = `Usage: npm create hither DIR

Writes a starter project into DIR: a page, a catalogue with a model, and an endpoint, started by "npm start".
`

function create(folder) {
  if (existsSync(folder) && readdirSync(folder).length > 0)
    throw new Error(`${folder} is not empty; name a new folder.`)
  mkdirSync(folder, { recursive: true })
  cpSync(template, folder, { recursive: true })
  // npm leaves a .gitignore out of what it packs.
  renameSync(join(folder, 'gitignore'), join(folder, '.gitignore'))
  const path = join(folder, 'package.json')
  const manifest = JSON.parse(readFileSync(path, 'utf8'))
  const name = basename(resolve(folder))
    .toLowerCase()
    .replace(/[^a-z0-9-]+/g, '-')
    .replace(/^-+|-+$/g, '')
  manifest.name = name === '' ? 'my-app' : name
  for (const each of ['hither', 'hither-endpoint']) manifest.dependencies[each] = `^${version}`
  writeFileSync(path, `${JSON.stringify(manifest, null, 2)}\n`)
  const copy = fileURLToPath(new URL('bin/hither-models.js', import.meta.resolve('hither-models/package.json')))
  execFileSync(process.execPath, [copy, join(folder, 'public/models'), 'digits'], { stdio: 'ignore' })
}

const [folder] = process.argv.slice(2)
if (folder === undefined || folder.startsWith('-')) {
  process.stdout.write(usage)
  if (folder !== '--help' && folder !== '-h') process.exitCode = 1
} else {
  try {
    create(folder)
    process.stdout.write(`${folder} is written. Next:\n\n  cd ${folder}\n  npm install\n  npm start\n`)
  } catch (error) {
    process.stderr.write(`create-hither: ${error.message}\n`)
    process.exitCode = 1
  }
}
