import { type ChildProcess, spawn } from 'node:child_process'
import { readFile } from 'node:fs/promises'

export interface BenchServer {
  readonly url: string
  /** Memory that the process holds now, in bytes; NaN where the system does not say. */
  memoryBytes(): Promise<number>
  close(): Promise<void>
}

/** The built endpoint, in a process of its own. */
export const startServer = (
  modelsDir: string,
  workers: number,
  env: Readonly<Record<string, string>> = {},
): Promise<BenchServer> => start(['--models', modelsDir, '--workers', String(workers)], env)

/** The built gateway, before other servers: their addresses, with commas between them. */
export const startGateway = (upstreams: string, workers: number, more: readonly string[] = []): Promise<BenchServer> =>
  start(['--upstream', upstreams, '--upstream-workers', String(workers), ...more])

/** The built endpoint with a database for reports, as `args` or `env` name it. */
export const startIntake = ({
  args = [],
  env = {},
}: {
  readonly args?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
}): Promise<BenchServer> => start(['--workers', '1', ...args], env)

async function start(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<BenchServer> {
  const child = spawn(
    process.execPath,
    ['packages/hither-endpoint/bin/hither.js', 'serve', ...args, '--port', '0', '--rate-limit', '0'],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, ...env },
    },
  )
  const url = await listening(child)
  return {
    url,
    async memoryBytes() {
      const status = await readFile(`/proc/${child.pid}/status`, 'utf8').catch(() => '')
      return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1] ?? Number.NaN) * 1024
    },
    close: () =>
      new Promise((resolve) => {
        child.once('exit', () => resolve())
        child.kill('SIGTERM')
      }),
  }
}

const listening = (child: ChildProcess) =>
  new Promise<string>((resolve, reject) => {
    let said = ''
    child.once('exit', (code) => reject(new Error(`the endpoint ended with ${code}; was it built? (npm run build)`)))
    child.stdout?.on('data', (chunk) => {
      said += chunk
      const [, url] = /listens on (http:\S+)/.exec(said) ?? []
      if (url !== undefined) resolve(url.replace('localhost', '127.0.0.1'))
    })
  })
