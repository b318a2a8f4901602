import { cp, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { freePort } from '../../src/testing/free-port.ts'
import { type Environment, openEnvironment, run, startServer, versionOf } from './python.ts'

const servers = fileURLToPath(new URL('../servers/', import.meta.url))
const digits = fileURLToPath(new URL('../../packages/hither-models/models/digits/1/model.onnx', import.meta.url))

/** A server of the protocol that none of us wrote, with the models `digits`, `echo`, `slow` and `fail`. */
export interface RealServer {
  readonly url: string
  readonly version: string
  stop(): Promise<void>
}

export type ServerName = 'kserve' | 'mlserver' | 'triton'

/** Installs, where needed, and starts a server. Rejects with why it can't be had here. */
export async function startRealServer(name: ServerName): Promise<RealServer> {
  const environment = await openEnvironment(name)
  const folder = await mkdtemp(join(tmpdir(), `hither-interop-${name}-`))
  const port = await freePort()
  const env = {
    DIGITS_ONNX: digits,
    PYTHONPATH: servers,
    PYTHONDONTWRITEBYTECODE: '1',
    OMP_NUM_THREADS: '1',
  }
  const url = `http://127.0.0.1:${port}`
  const { command, args, more = {} } = await starters[name](environment, { folder, port, env })
  const server = await startServer(command, args, { env: { ...env, ...more }, readyUrl: `${url}/v2/health/ready` })
  const stop = async () => {
    await server.stop()
    await rm(folder, { recursive: true, force: true })
  }
  return { url, version: await versionOfServer[name](environment, url), stop }
}

interface Place {
  readonly folder: string
  readonly port: number
  readonly env: NodeJS.ProcessEnv
}
interface Start {
  readonly command: string
  readonly args: readonly string[]
  readonly more?: NodeJS.ProcessEnv
}

const starters: Record<ServerName, (environment: Environment, place: Place) => Promise<Start>> = {
  async kserve({ python }, { port }) {
    const args = [`${servers}kserve_server.py`, '--http_port', String(port), '--enable_grpc', 'false']
    return { command: python, args }
  },
  async mlserver({ python }, { folder, port, env }) {
    const ports = [port, await freePort(), await freePort()].map(String)
    await run(python, [`${servers}mlserver_models.py`, folder, ...ports], env)
    return { command: python, args: ['-c', 'from mlserver.cli import main; main()', 'start', folder] }
  },
  async triton({ python }, { folder, port, env }) {
    const facts = ['VERSION', 'LIBDIR', 'Py_ENABLE_SHARED'].map((name) => `sysconfig.get_config_var("${name}")`)
    const where = 'import pytriton, os; print(os.path.dirname(pytriton.__file__))'
    const [version = '', libraries = '', shared = ''] = (
      await run(python, ['-c', `import sysconfig; print(*[${facts.join(', ')}], sep="\\n")`])
    ).split('\n')
    const wheel = (await run(python, ['-c', where])).trim()
    const stub = `${wheel}/tritonserver/python_backend_stubs/${version}/triton_python_backend_stub`
    if (shared !== '1') throw new Error(`its Python backend needs libpython${version}.so, and this Python has none`)
    await run(python, [`${servers}triton/write_repository.py`, `${folder}/models`], env)
    // Triton takes the stub from beside its backend; the wheel has one for each version of Python.
    const backend = `${folder}/backends/python`
    await mkdir(backend, { recursive: true })
    await cp(`${wheel}/tritonserver/backends/python`, backend, { recursive: true })
    await cp(stub, `${backend}/triton_python_backend_stub`)
    const packages = join(wheel, '..')
    return {
      command: `${wheel}/tritonserver/bin/tritonserver`,
      args: [
        `--model-repository=${folder}/models`,
        `--backend-directory=${folder}/backends`,
        '--http-address=127.0.0.1',
        `--http-port=${port}`,
        '--allow-grpc=false',
        '--allow-metrics=false',
      ],
      // The stub's library must be that of this very Python, and the copied stub no longer lies beside the wheel's own.
      more: {
        LD_LIBRARY_PATH: `${libraries}:${packages}/nvidia_pytriton.libs`,
        PYTHONPATH: `${servers}:${packages}`,
      },
    }
  },
}

const versionOfServer: Record<ServerName, (environment: Environment, url: string) => Promise<string>> = {
  kserve: async (environment) => `KServe ${await versionOf(environment, 'kserve')}`,
  mlserver: async (environment) => `MLServer ${await versionOf(environment, 'mlserver')}`,
  async triton(environment, url) {
    const { version } = (await (await fetch(`${url}/v2`)).json()) as { readonly version: string }
    return `Triton ${version} (nvidia-pytriton ${await versionOf(environment, 'nvidia-pytriton')})`
  },
}
