// npm run interop [-- NAME…] [--record] [--write]: this project's client and endpoint against software that none of us
// wrote. It installs what it needs into .interop/ and skips, with a line, what can't be installed here. With --record
// the servers' answers are written down for the unit tests; with --write the tables go into docs/interop.md.
import { fileURLToPath } from 'node:url'
import type { Part } from './support/part.ts'
import { type Column, type tables, toMarkdown, writeTable } from './support/table.ts'
import { tensorParts } from './tensor-parts.ts'
import { textParts } from './text/text-parts.ts'

const args = process.argv.slice(2)
const flags = new Set(args.filter((arg) => arg.startsWith('--')))
const names = args.filter((arg) => !arg.startsWith('--'))
const say = (line: string) => process.stdout.write(`${line}\n`)
let hasFailed = false

const all: Readonly<Record<keyof typeof tables, Readonly<Record<string, Part>>>> = {
  tensors: tensorParts,
  text: textParts,
}
const known = Object.entries(all).flatMap(([of, parts]) => [of, ...Object.keys(parts)])
const other = names.find((name) => !known.includes(name))
if (other !== undefined) {
  process.stderr.write(`There is no part ${other}; there are ${known.join(', ')}.\n`)
  process.exit(2)
}

for (const of of Object.keys(all) as (keyof typeof tables)[]) {
  const isWanted = (name: string) => names.length === 0 || names.includes(of) || names.includes(name)
  const wanted = Object.entries(all[of]).filter(([name]) => isWanted(name))
  if (wanted.length === 0) continue
  const columns: Column[] = []
  const versions: string[] = []
  const skipped: string[] = []
  for (const [name, part] of wanted) {
    try {
      await part({
        flags,
        say,
        uses: (version) => versions.push(version),
        add(title, outcomes, group) {
          columns.push({ title, outcomes, ...(group === undefined ? {} : { group }) })
          for (const { check, result, detail } of outcomes) say(`${title} | ${check} | ${result} | ${detail}`)
        },
      })
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error)
      skipped.push(`${name}: ${why}`)
      say(`skipped: ${name}: ${why}`)
    }
  }
  const table = toMarkdown({ columns, versions, skipped, date: new Date() })
  say(`\n${table}`)
  if (flags.has('--write')) await writeTable(fileURLToPath(new URL('../docs/interop.md', import.meta.url)), of, table)
  hasFailed ||= columns.some(({ outcomes }) => outcomes.some(({ result }) => result === 'fails'))
}
process.exitCode = hasFailed ? 1 : 0
