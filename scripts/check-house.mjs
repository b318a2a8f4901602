// Checks the import rule of docs/architecture.md: which room may import which, and no circles, neither of files nor of
// folders. Imports of types count.
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseSync, Visitor } from 'oxc-parser'
import { entries, only, rooms } from './house.mjs'

const src = fileURLToPath(new URL('../src', import.meta.url))
const isTest = (path) => /\.test(-d)?\.ts$/.test(path) || path.startsWith('testing/')

/** Every file of `src/` that ships, as a path from there. */
const files = readdirSync(src, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile() && /\.[jt]s$/.test(entry.name))
  .map((entry) => relative(src, join(entry.parentPath, entry.name)).split(sep).join('/'))
  .filter((path) => !isTest(path))
const known = new Set(files)

const importing = [
  'ImportDeclaration',
  'ExportNamedDeclaration',
  'ExportAllDeclaration',
  'ImportExpression',
  'TSImportType',
]

/** The files that a file imports, by whatever kind of import. */
function importsOf(path) {
  const { program } = parseSync(path, readFileSync(join(src, path), 'utf8'))
  const specifiers = []
  const add = ({ source }) => typeof source?.value === 'string' && specifiers.push(source.value)
  new Visitor(Object.fromEntries(importing.map((kind) => [kind, add]))).visit(program)
  return [...new Set(specifiers)]
    .filter((specifier) => specifier.startsWith('.'))
    .map((specifier) => join(dirname(path), specifier.replace(/\?.*$/, '')).split(sep).join('/'))
    .filter((target) => known.has(target))
}

const folderOf = (path) => (path.includes('/') ? path.slice(0, path.lastIndexOf('/')) : path.replace(/\.[jt]s$/, ''))
const roomOf = (path) => folderOf(path).split('/')[0]
const lies = (path, place) => {
  const plain = path.replace(/\.[jt]s$/, '')
  return plain === place || plain.startsWith(`${place}/`)
}

/** What a file may import: the longest of the lists in `only` that fits it, or its own room and those above. */
function allowedFor(path) {
  const [fitting] = Object.keys(only)
    .filter((place) => lies(path, place))
    .sort((a, b) => b.length - a.length)
  if (fitting !== undefined) return [...only[fitting], fitting]
  return rooms.slice(0, rooms.indexOf(roomOf(path)) + 1)
}

/** Groups of nodes that can reach each other (Tarjan), each of them a circle. */
function circlesOf(graph) {
  const order = new Map()
  const low = new Map()
  const stack = []
  const found = []
  const visit = (node) => {
    order.set(node, order.size)
    low.set(node, order.get(node))
    stack.push(node)
    for (const next of graph.get(node) ?? []) {
      if (!order.has(next)) visit(next)
      if (stack.includes(next)) low.set(node, Math.min(low.get(node), low.get(next)))
    }
    if (low.get(node) !== order.get(node)) return
    const group = stack.splice(stack.indexOf(node))
    if (group.length > 1) found.push(group)
  }
  for (const node of graph.keys()) if (!order.has(node)) visit(node)
  return found
}

const faults = []
const byFile = new Map(files.map((path) => [path, importsOf(path)]))
const byFolder = new Map()
for (const [path, targets] of byFile) {
  if (!rooms.includes(roomOf(path))) faults.push(`src/${path}: the room ${roomOf(path)} is not in scripts/house.mjs`)
  const allowed = allowedFor(path)
  for (const target of targets) {
    if (!allowed.some((place) => lies(target, place))) faults.push(`src/${path} may not import src/${target}`)
    for (const [folder, open] of Object.entries(entries)) {
      const isPastEntry = lies(target, folder) && !lies(path, folder) && !open.some((entry) => lies(target, entry))
      if (isPastEntry) faults.push(`src/${path} reaches past the entry of src/${folder}: src/${target}`)
    }
    const [from, to] = [folderOf(path), folderOf(target)]
    if (from !== to) byFolder.set(from, (byFolder.get(from) ?? new Map()).set(to, `src/${path} imports src/${target}`))
  }
}
for (const circle of circlesOf(byFile))
  faults.push(`a circle of files: ${circle.map((path) => `src/${path}`).join(', ')}`)
const folders = new Map([...byFolder].map(([folder, targets]) => [folder, [...targets.keys()]]))
for (const circle of circlesOf(folders)) {
  const arrows = circle.flatMap((from) => circle.flatMap((to) => byFolder.get(from)?.get(to) ?? []))
  faults.push(
    `a circle of folders: ${circle.map((folder) => `src/${folder}`).join(', ')}\n    ${arrows.join('\n    ')}`,
  )
}

if (faults.length > 0) {
  console.error(`${faults.join('\n')}\nSee docs/architecture.md, "The import rule".`)
  process.exit(1)
}
console.log(`${files.length} files in ${rooms.length} rooms: no import runs up, and none in a circle.`)
