import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** What `npm start` starts once it has built, on a port of its own and with its data in a folder of its own. */
export async function startApp() {
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const command = String(scripts.start).split('&&').at(-1)?.trim().split(/\s+/) ?? []
  if (command[0] !== 'node') throw new Error(`npm start runs ${command.join(' ')}, which is not known here`)
  const data = mkdtempSync(join(tmpdir(), 'hither-start-'))
  const child = spawn(
    process.execPath,
    command.slice(1).map((word) => (word === '.hither' ? data : word)),
    { cwd: root, env: { ...process.env, PORT: '0' }, stdio: ['ignore', 'pipe', 'inherit'] },
  )
  const ended = new Promise<never>((_, reject) => {
    child.once('exit', (code) => reject(new Error(`npm start ended with code ${code}`)))
  })
  const told = new Promise<string>((resolve) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      const [, origin] = /listens on (http\S+)/.exec(line) ?? []
      if (origin !== undefined) resolve(origin)
    })
  })
  return {
    origin: await Promise.race([told, ended]),
    async close() {
      child.kill()
      await ended.catch(() => {})
      rmSync(data, { recursive: true, force: true })
    },
  }
}
