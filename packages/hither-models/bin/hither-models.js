#!/usr/bin/env node
// hither-models DIR [NAME...]: copies models into a folder, and names them in its catalog.json.
import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const source = fileURLToPath(new URL('../models', import.meta.url))
const readCatalog = (folder) => JSON.parse(readFileSync(join(folder, 'catalog.json'), 'utf8'))
const known = readCatalog(source).models

const usage = `Usage: hither-models DIR [NAME...]

Copies the models that come with Hither into DIR, all or those that are named, and adds them to DIR/catalog.json. What
the catalogue names besides stays as it is.

Models: ${known.map(({ name }) => name).join(', ')}
`

function copyModels(target, names) {
  const unknown = names.find((name) => !known.some((model) => model.name === name))
  if (unknown !== undefined) throw new Error(`There is no model ${unknown}.`)
  const models = names.length === 0 ? known : known.filter(({ name }) => names.includes(name))
  const isCopied = ({ name, revision }) => models.some((model) => model.name === name && model.revision === revision)
  mkdirSync(target, { recursive: true })
  const catalog = existsSync(join(target, 'catalog.json')) ? readCatalog(target) : { format: 1, models: [] }
  for (const { manifest } of models) {
    cpSync(join(source, dirname(manifest)), join(target, dirname(manifest)), { recursive: true })
  }
  // First, as the first of a name is the revision that answers.
  const merged = { ...catalog, models: [...models, ...catalog.models.filter((model) => !isCopied(model))] }
  writeFileSync(join(target, 'catalog.json'), `${JSON.stringify(merged, null, 2)}\n`)
  return models
}

const [target, ...names] = process.argv.slice(2)
if (target === undefined || target.startsWith('-')) {
  process.stdout.write(usage)
  if (target !== '--help' && target !== '-h') process.exitCode = 1
} else {
  try {
    const copied = copyModels(target, names)
    process.stdout.write(`${target}: ${copied.map(({ name }) => name).join(', ')}\n`)
  } catch (error) {
    process.stderr.write(`hither-models: ${error.message}\n`)
    process.exitCode = 1
  }
}
