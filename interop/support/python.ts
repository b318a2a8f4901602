import { type ChildProcess, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'

const here = (path: string) => fileURLToPath(new URL(`../${path}`, import.meta.url))
const root = fileURLToPath(new URL('../../.interop/', import.meta.url))

/** A virtual environment with what one project of the comparison needs. */
export interface Environment {
  readonly name: string
  /** Its Python. */
  readonly python: string
  readonly folder: string
}

/** What a command printed; rejects with the end of it when the command fails. */
export function run(command: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] })
    let out = ''
    let errors = ''
    child.stdout.on('data', (chunk: Buffer) => {
      out += chunk.toString()
    })
    child.stderr.on('data', (chunk: Buffer) => {
      errors += chunk.toString()
    })
    child.on('error', reject)
    child.on('close', (code) => {
      if (code === 0) resolve(out)
      else reject(new Error(lastLine(errors) || lastLine(out) || `${command} ended with ${code}`))
    })
  })
}

const lastLine = (text: string): string => text.trim().split('\n').at(-1)?.slice(0, 300) ?? ''

/**
 * Makes a virtual environment in `.interop/` and installs what `requirements/NAME.txt` names, unless that was done; and
 * then, without what they ask for in turn, the packages of `requirements/NAME-alone.txt` where there is one. The Python
 * is `HITHER_PYTHON`, or else `python3`.
 *
 * @param env for the installation
 */
export async function openEnvironment(name: string, env: NodeJS.ProcessEnv = {}): Promise<Environment> {
  const folder = `${root}${name}`
  const python = `${folder}/bin/python`
  const requirements = here(`requirements/${name}.txt`)
  const alone = here(`requirements/${name}-alone.txt`)
  const hasAlone = existsSync(alone)
  const mark = `${folder}/installed`
  const wanted = createHash('sha256')
    .update(await readFile(requirements))
    .update(hasAlone ? await readFile(alone) : '')
    .digest('hex')
  const installed = existsSync(mark) ? await readFile(mark, 'utf8') : ''
  if (installed === wanted) return { name, python, folder }
  await mkdir(root, { recursive: true })
  if (!existsSync(python)) await run(process.env.HITHER_PYTHON ?? 'python3', ['-m', 'venv', folder])
  // At a low priority: packages are unpacked and compiled for minutes.
  const pip = ['-n', '15', python, '-m', 'pip', 'install', '--quiet', '--disable-pip-version-check']
  await run('nice', [...pip, '-r', requirements], env)
  if (hasAlone) await run('nice', [...pip, '--no-deps', '-r', alone], env)
  await writeFile(mark, wanted)
  return { name, python, folder }
}

/** The environment's version of a package. */
export const versionOf = async ({ python }: Environment, distribution: string): Promise<string> =>
  (await run(python, ['-c', `import importlib.metadata as m; print(m.version("${distribution}"))`])).trim()

/** Starts a server and waits until it says that it is ready; rejects with the end of its output when it ends instead. */
export async function startServer(
  command: string,
  args: readonly string[],
  options: { readonly env: NodeJS.ProcessEnv; readonly readyUrl: string; readonly withinMs?: number },
): Promise<{ readonly stop: () => Promise<void> }> {
  const { env, readyUrl, withinMs = 120_000 } = options
  const child = spawn(command, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  const keep = (chunk: Buffer) => {
    output = (output + chunk.toString()).slice(-4000)
  }
  child.stdout.on('data', keep)
  child.stderr.on('data', keep)
  let ended: string | undefined
  child.on('error', (error) => {
    ended = error.message
  })
  child.on('exit', (code) => {
    ended ??= `it ended with ${code}: ${lastLine(output)}`
  })
  const untilMs = performance.now() + withinMs
  while (!(await isReady(readyUrl))) {
    if (ended !== undefined || performance.now() > untilMs) {
      await stop(child)
      throw new Error(ended ?? `it was not ready within ${withinMs / 1000} s: ${lastLine(output)}`)
    }
    await new Promise((resolve) => setTimeout(resolve, 250))
  }
  return { stop: () => stop(child) }
}

const isReady = (url: string): Promise<boolean> =>
  fetch(url).then(
    ({ status }) => status === 200,
    () => false,
  )

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  child.kill('SIGTERM')
  const insist = setTimeout(() => child.kill('SIGKILL'), 10_000)
  await gone
  clearTimeout(insist)
}
