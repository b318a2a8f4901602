import { stat } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { ConfigError } from '../../errors/config-error.ts'
import { isHitherError } from '../../errors/hither-error.ts'
import { given } from '../../utils/given.ts'
import { createEndpoint, type Endpoint } from '../create-endpoint.ts'
import { openGateway } from '../gateway/open-gateway.ts'
import { wantsTracing } from '../observability/tracing.ts'
import { openReports } from '../reports/open-reports.ts'
import { changeModels, optimizeLm } from './models-command.ts'
import { changeNotices } from './notice-command.ts'
import { cliHelp, parseCli, type ServeOptions } from './parse-cli.ts'
import { readSecurity } from './security-flags.ts'
import { makeToken } from './token-command.ts'

/** Milliseconds that requests under way have to end after the first signal: one run's limit, and a little. */
const defaultDrainMs = 35_000

/**
 * The command line: `hither serve`. Ends the process with 1 and one line on the error stream when it can't serve.
 *
 * @param options.drainMs milliseconds that requests under way have to end after the first signal. Default 35,000
 */
export async function main(
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  { drainMs = defaultDrainMs }: { readonly drainMs?: number } = {},
): Promise<void> {
  try {
    if (args[0] === 'token' && !args.includes('--help')) {
      process.stdout.write(`${await makeToken(args.slice(1))}\n`)
      return
    }
    if (args[0] === 'notice' && !args.includes('--help')) {
      process.stdout.write(`${await changeNotices(args.slice(1), env)}\n`)
      return
    }
    if (args[0] === 'models' && !args.includes('--help')) {
      process.stdout.write(`${await untilSignals((signal) => changeModels(args.slice(1), { signal, say }))}\n`)
      return
    }
    if (args[0] === 'optimize-lm' && !args.includes('--help')) {
      process.stdout.write(`${await untilSignals((signal) => optimizeLm(args.slice(1), signal))}\n`)
      return
    }
    const options = parseCli(commands.has(args[0]) ? [] : args, env)
    if (options === undefined) process.stdout.write(cliHelp)
    else endOnSignals(await serve(options, env), drainMs)
  } catch (error) {
    process.stderr.write(`hither: ${toSentence(error)}\n`)
    process.exit(1)
  }
}

async function serve(options: ServeOptions, env: NodeJS.ProcessEnv): Promise<Endpoint> {
  const { gateway, appDir, host } = options
  const ownModels =
    gateway === undefined
      ? fileURLToPath(new URL('models', import.meta.resolve('hither-models/package.json')))
      : undefined
  const { modelsDir = ownModels } = options
  if (appDir !== undefined && (await stat(appDir).catch(() => undefined))?.isDirectory() !== true) {
    throw new ConfigError('config-invalid', `There is no folder ${appDir}; build the app first, or leave --app out.`)
  }
  let endpoint: Endpoint | undefined
  // As other servers do: read the configuration again, here the models. From the start, as unheard it would end the process.
  process.on('SIGHUP', () => void endpoint?.reload().catch(() => {}))
  const security = await readSecurity(options.security)
  const reports = options.reports === undefined ? [] : [await openReports(options.reports)]
  // A gateway keeps reports itself: it is what devices know, and servers behind it have no intake.
  const { plugins = [], ...front } = gateway === undefined ? {} : await openGateway(gateway)
  const { workers, textCacheBytes, allowOrigins, allowHosts, embedOn, connectTo } = options
  endpoint = await createEndpoint({
    ...given({ workers, textCacheBytes, appDir, allowHosts, modelsDir }),
    allowOrigins,
    embedOn,
    connectTo,
    ...security,
    traces: wantsTracing(env),
    processMetrics: true,
    ...front,
    plugins: [...plugins, ...reports],
  })
  const { port } = await listen(endpoint, options)
  const everywhere = host === '0.0.0.0' || host === '::' || host === '127.0.0.1' || host === '::1'
  const name = everywhere ? 'localhost' : host.includes(':') ? `[${host}]` : host
  process.stdout.write(`Hither listens on http://${name}:${port}\n`)
  return endpoint
}

async function listen(endpoint: Endpoint, { port, host }: ServeOptions): Promise<{ readonly port: number }> {
  try {
    return await endpoint.listen({ port, host })
  } catch (cause) {
    await endpoint.close()
    const { code } = cause as NodeJS.ErrnoException
    const why =
      code === 'EADDRINUSE'
        ? `Port ${port} is in use; choose another one with --port.`
        : code === 'EACCES'
          ? `Port ${port} may not be used by this user; choose one from 1024 on with --port.`
          : `It can't listen on ${host}:${port} (${code ?? String(cause)}).`
    throw new ConfigError('config-invalid', why, { cause })
  }
}

/** Those whose help is the whole help. */
const commands: ReadonlySet<string | undefined> = new Set(['token', 'notice', 'models', 'optimize-lm'])

const say = (sentence: string) => void process.stderr.write(`${sentence}\n`)

/** Work that takes back what is half done, when the first signal comes. */
async function untilSignals<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController()
  const end = () => controller.abort(new ConfigError('config-invalid', 'It was stopped, and nothing was added.'))
  process.on('SIGINT', end).on('SIGTERM', end)
  try {
    return await work(controller.signal)
  } finally {
    process.off('SIGINT', end).off('SIGTERM', end)
  }
}

/** The first signal lets requests under way finish; the second one does not. */
function endOnSignals(endpoint: Endpoint, drainMs: number): void {
  const end = (signal: NodeJS.Signals) => {
    process.off('SIGINT', end).off('SIGTERM', end)
    // A thread in a native run that never ends would also keep process.exit() waiting; the signal itself does not wait.
    const insist = () => process.kill(process.pid, signal)
    setTimeout(insist, drainMs).unref()
    endpoint.close().then(() => {
      if (endpoint.stuckThreads > 0) insist()
      else process.exit(0)
    }, insist)
  }
  process.on('SIGINT', end).on('SIGTERM', end)
}

const toSentence = (error: unknown): string =>
  isHitherError(error) ? error.message : error instanceof Error ? (error.stack ?? error.message) : String(error)
