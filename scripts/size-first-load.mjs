// What the home page's first load fetches of scripts for the page's own thread, after brotli: the entry, the first page
// with its first card, and the client, with all that they import. Apart are workers, the runtime, models, the cards
// further down, and what is fetched with a first request. Fails above the limit.
import { readFileSync } from 'node:fs'
import { brotliCompressSync } from 'node:zlib'

const limitBytes = 51_000
const folder = process.argv[2] ?? 'dist-app'
const manifest = JSON.parse(readFileSync(`${folder}/.vite/manifest.json`, 'utf8'))
const entries = ['index.html', 'src/app/home-page/home-page.ts', 'src/app/state/make-client.ts']

const chunks = new Set()
const add = (key) => {
  if (chunks.has(key)) return
  const chunk = manifest[key]
  if (chunk === undefined) throw new Error(`the build has no ${key}`)
  chunks.add(key)
  for (const imported of chunk.imports ?? []) add(imported)
}
for (const entry of entries) add(entry)

const sizes = [...chunks].map((key) => {
  const { file } = manifest[key]
  return { file, bytes: brotliCompressSync(readFileSync(`${folder}/${file}`)).length }
})
const totalBytes = sizes.reduce((sum, { bytes }) => sum + bytes, 0)
if (process.argv.includes('--all')) for (const { file, bytes } of sizes) console.log(`${bytes} ${file}`)
console.log(
  `app, first load: ${(totalBytes / 1000).toFixed(1)} kB brotli in ${sizes.length} scripts; the limit is ${limitBytes / 1000} kB`,
)
if (totalBytes > limitBytes) process.exit(1)

// The browser heeds it in the first line only; what is small re-exports, or is compiled at once anyway.
const hint = '//# allFunctionsCalledOnLoad'
const unhinted = sizes.filter(
  ({ file, bytes }) => bytes > 4_000 && !readFileSync(`${folder}/${file}`, 'utf8').startsWith(hint),
)
if (unhinted.length > 0) {
  console.error(
    `not compiled ahead, as "${hint}" is not their first line: ${unhinted.map(({ file }) => file).join(', ')}`,
  )
  process.exit(1)
}
