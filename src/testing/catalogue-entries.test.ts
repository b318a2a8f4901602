import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { parseCatalog, parseManifest } from '../models/manifest/parse-manifest.ts'

// What each model of the catalogue comes with, and that those which lie elsewhere are pinned to their bytes.

const folder = 'packages/hither-models/models'
const readJson = (path: string): unknown => JSON.parse(readFileSync(path, 'utf8'))
const entries = parseCatalog(readJson(join(folder, 'catalog.json')), 'catalog.json').models.map(({ manifest }) => {
  const path = join(folder, manifest)
  const parsed = parseManifest(readJson(path), path)
  return { manifest: parsed, card: readFileSync(join(dirname(path), parsed.card ?? 'no card'), 'utf8') }
})
const isElsewhere = ({ manifest }: (typeof entries)[number]) => manifest.files.some(({ urls }) => urls !== undefined)

/** Where the bytes of others may lie beside the project. */
const copies: Readonly<Record<string, string>> = {
  'ultraface-rfb-320': '../shared/models/ultraface',
  fastestdet: '../shared/models/fastestdet',
  'silero-vad': '../shared/models/silero-vad',
}

describe.each(entries.map((entry) => [entry.manifest.name, entry] as const))('%s', (name, entry) => {
  const { manifest, card } = entry

  test('its card says what it is for, its data and licence, its figures with their command, and its limits', () => {
    expect(card).toMatch(/^# .+, revision /)
    const paragraphs = card.split('\n\n')
    expect(paragraphs[1]).toMatch(/^(Tells|Finds|Writes) /)
    expect(card).toContain('**Data and licence.**')
    expect(card).toMatch(/\*\*Figures[.*,]/)
    expect(card).toMatch(/`(npm run bench -- |npx playwright test |training\/)/)
    expect(card).toContain('**Limits.**')
    expect(card).toContain(`${manifest.tolerance.absolute}`)
    expect(card).toMatch(/multiply-accumulates/)
  })

  test('its manifest states its cost, how far backends may differ, and a licence with its text', () => {
    expect(manifest.complexity.macs).toBeGreaterThan(1)
    expect(manifest.tolerance.absolute).toBeGreaterThan(0)
    // Of probabilities and the like; a language model's logits are larger.
    expect(manifest.tolerance.absolute).toBeLessThanOrEqual(manifest.generation === undefined ? 0.001 : 0.01)
    expect(manifest.license.name).not.toBe('')
    expect(manifest.license.url).toMatch(/^https:/)
  })

  if (!isElsewhere(entry)) {
    test('it comes with a canary and its answer', () => {
      expect(manifest.canary?.inputs.length).toBeGreaterThan(0)
      expect(manifest.canary?.outputs.length).toBeGreaterThan(0)
    })
    return
  }

  test('its file and its licence are pinned to one commit', () => {
    for (const { urls = [] } of manifest.files) {
      expect(urls).toHaveLength(1)
      const [, commit] =
        /^https:\/\/raw\.githubusercontent\.com\/[^/]+\/[^/]+\/([0-9a-f]{40})\//.exec(urls[0] ?? '') ?? []
      expect(commit).toBeDefined()
      expect(manifest.license.url).toContain(commit)
      expect(card).toContain(commit)
    }
  })

  if (!existsSync(copies[name] ?? '')) return
  test('a copy beside the project has the bytes and the commit', () => {
    const readme = readFileSync(join(copies[name] ?? '', 'README.md'), 'utf8')
    for (const { path, bytes, sha256, urls } of manifest.files) {
      const copy = readFileSync(join(copies[name] ?? '', path))
      expect(copy.length).toBe(bytes)
      expect(createHash('sha256').update(copy).digest('hex')).toBe(sha256)
      const [, commit = ''] = /\/([0-9a-f]{40})\//.exec(urls?.[0] ?? '') ?? []
      expect(readme).toContain(commit)
    }
  })
})

test('languages, intents and tales are as small as they are meant to be', () => {
  const bytesOf = (name: string) =>
    entries.find(({ manifest }) => manifest.name === name)?.manifest.files.reduce((sum, { bytes }) => sum + bytes, 0)
  expect(bytesOf('language-identification')).toBeLessThanOrEqual(3e6)
  expect(bytesOf('intents-small')).toBeLessThanOrEqual(500e3)
  expect(bytesOf('intents-large')).toBeLessThanOrEqual(12e6)
  expect(bytesOf('tales')).toBeLessThanOrEqual(8e6)
})
