import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { openEnvironment, run, startServer, versionOf } from '../../interop/support/python.ts'
import { freePort } from '../../src/testing/free-port.ts'
import type { BenchModel } from './models.ts'

export interface Peer {
  readonly url: string
  readonly version: string
  close(): Promise<void>
}

const here = fileURLToPath(new URL('.', import.meta.url))

/**
 * MLServer with the same models; undefined where `npm run interop` has not put its environment here. It runs them in its
 * one process: its pool of others (`parallel_workers`) ends at once in version 1.7.1 with the uvloop that it asks for.
 */
export async function startMlserver(models: readonly BenchModel[]): Promise<Peer | undefined> {
  if (!existsSync(fileURLToPath(new URL('../../.interop/mlserver/installed', import.meta.url)))) return undefined
  const environment = await openEnvironment('mlserver')
  const folder = await mkdtemp(join(tmpdir(), 'hither-bench-mlserver-'))
  const ports = [await freePort(), await freePort(), await freePort()]
  const graphs = Object.fromEntries(models.map(({ name, graph }) => [name, graph]))
  const env = { PYTHONPATH: here, PYTHONDONTWRITEBYTECODE: '1', OMP_NUM_THREADS: '1' }
  const { python } = environment
  await run(python, [`${here}mlserver_onnx.py`, folder, JSON.stringify(ports), JSON.stringify(graphs)], env)
  const url = `http://127.0.0.1:${ports[0]}`
  const args = ['-c', 'from mlserver.cli import main; main()', 'start', folder]
  const server = await startServer(python, args, { env, readyUrl: `${url}/v2/health/ready` })
  return {
    url,
    version: `MLServer ${await versionOf(environment, 'mlserver')}`,
    async close() {
      await server.stop()
      await rm(folder, { recursive: true, force: true })
    },
  }
}
