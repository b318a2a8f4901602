import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { writeTinyTaskModels } from './tiny-task-models.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
/** The folder beside the project with models, pictures and sound of others; absent in most places. */
export const sharedModels = fileURLToPath(new URL('../../../shared/models', import.meta.url))
export const hasShared = existsSync(sharedModels)

const rawHost = 'https://raw.githubusercontent.com/'
const sources = [
  { name: 'ultraface-rfb-320', folder: 'ultraface' },
  { name: 'fastestdet', folder: 'fastestdet' },
  { name: 'silero-vad', folder: 'silero-vad' },
]

interface ManifestFile {
  readonly path: string
  urls?: string[]
}

/**
 * A folder with the shipped models, two tiny ones, and, where the bytes are there, the models of the catalogue that lie
 * elsewhere. A mirror serves those in the place of the real address, which can't be reached from everywhere.
 */
export async function openTaskModels() {
  const modelsDir = mkdtempSync(join(tmpdir(), 'hither-tasks-'))
  const asked: string[] = []
  const mirror = createServer((request, response) => {
    asked.push(request.url ?? '')
    const name = (request.url ?? '').split('/').at(-1) ?? ''
    const source = sources.find(({ folder }) => existsSync(join(sharedModels, folder, name)))
    response.setHeader('Access-Control-Allow-Origin', '*')
    response.setHeader('Access-Control-Allow-Headers', 'range')
    response.setHeader('Cross-Origin-Resource-Policy', 'cross-origin')
    if (request.method === 'OPTIONS') response.writeHead(204).end()
    else if (source === undefined) response.writeHead(404).end()
    else response.writeHead(200).end(readFileSync(join(sharedModels, source.folder, name)))
  })
  await new Promise<void>((resolve) => mirror.listen(0, '127.0.0.1', resolve))
  const address = mirror.address()
  const origin = `http://localhost:${typeof address === 'object' ? address?.port : 0}`

  cpSync(join(root, 'packages/hither-models/models'), modelsDir, { recursive: true })
  for (const { name, folder } of hasShared ? sources : []) {
    const at = join(modelsDir, name, '1')
    const manifest = JSON.parse(readFileSync(join(at, 'manifest.json'), 'utf8'))
    for (const file of manifest.files as ManifestFile[]) {
      file.urls = file.urls?.map((url) => url.replace(rawHost, `${origin}/`)) ?? []
      // For the endpoint, which serves what lies in its folder.
      cpSync(join(sharedModels, folder, file.path), join(at, file.path))
    }
    writeFileSync(join(at, 'manifest.json'), JSON.stringify(manifest))
  }

  writeTinyTaskModels(modelsDir)
  return {
    modelsDir,
    origin,
    /** Paths that the mirror was asked for. */
    asked: asked as readonly string[],
    close() {
      mirror.close()
      mirror.closeAllConnections()
      rmSync(modelsDir, { recursive: true, force: true })
    },
  }
}

/** Pictures and sound by the names that tests give them. */
export function sharedFile(name: string): Buffer {
  return readFileSync(join(sharedModels, name))
}
