import { parseArgs } from 'node:util'
import { ConfigError } from '../../errors/config-error.ts'
import { type TextServerKind, textServerKinds } from '../../protocol/text-server/server-kind.ts'
import { parseOrigin } from '../http/cross-origin.ts'
import { parseHost } from '../http/own-hosts.ts'
import type { ReportsOptions } from '../reports/open-reports.ts'
import { modelsHelp } from './models-command.ts'
import { noticeHelp } from './notice-command.ts'
import { parseReportFlags, reportFlags, reportHelp } from './report-flags.ts'
import {
  parseSecurityFlags,
  type SecurityFlags,
  securityFlags,
  securityHelp,
  withProxyCount,
} from './security-flags.ts'
import { toWhole } from './to-whole.ts'
import { tokenHelp } from './token-command.ts'

export const cliHelp = `Usage: hither serve [options]

Serves models over the Open Inference Protocol v2, and the app that uses them.

  --models DIR         folder of catalog.json, or of <name>/<revision>/manifest.json
                       (default: the models that come with Hither)
  --app DIR            folder of a built app to serve from / (default: none)
  --port N             port to listen on (default: PORT from the environment, else 8420)
  --host H             address to listen on (default: localhost, which only this machine
                       reaches; 0.0.0.0 opens it to the network)
  --allow-host NAME    host name that requests may be for; may be given more than once, * for
                       all (default: localhost where only this machine reaches it, else all)
  --workers N          threads that run models (default: one less than there are cores)
  --text-cache-mib N   memory that keys and values of texts may take, in MiB: half for those
                       that are being written, half for earlier ones (default: 1024)
  --upstream URL[,URL…]  be a gateway: send requests on to these servers of the protocol
                       (KServe, Triton, MLServer, OpenVINO, Hither); may be given more than
                       once. A token for them comes from HITHER_UPSTREAM_TOKEN
  --upstream-limit N   requests under way at one upstream at a time (default: 64)
  --upstream-workers N runs that a stock engine does at a time, for the capacity that it does
                       not tell itself (default: 1)
  --upstream-kind KIND[,KIND…]  what the upstreams are that write texts: one kind for all, or one
                       for each (hither, vllm, llama.cpp, llama-cpp-python, tgi, sglang, ollama,
                       transformers, openvino, kserve, mistral, openai; default: they are
                       asked)
  --upstream-probe on|off  spend a few tokens to find out how an upstream goes on with a text
                       that was begun elsewhere (default: on, but for those that charge)
  --upstream-continue on|off  have another upstream go on with a text whose upstream dies, stalls
                       or sends nonsense (default: on, but not at those that charge)
  --upstream-stall MS  milliseconds without a token after which a text has stalled, or four times
                       the upstream's usual gap where that is more (default: 2000)
  --allow-origin URL   origin whose pages may use this endpoint; may be given more than once
  --embed-on URL       origin whose pages may embed the app's widget, or * for all; may be given
                       more than once
  --connect-to URL     origin that the app and the widget may send requests to, beside this one;
                       may be given more than once
${reportHelp}${securityHelp}  --help               this text

       hither token [options]

Prints an access token, for trying an endpoint that asks for one.

${tokenHelp}
       hither notice [options]

Tells devices something through their endpoint, and prints what holds.

${noticeHelp}
       hither models add FILE|ADDRESS [options]

Converts a language model (.gguf) into a folder of models, for browsers and the endpoint.

${modelsHelp}
       hither optimize-lm DIR

Rewrites a language model's graph (NAME/REVISION of a folder of models, or a folder as the hub has
them) so that browsers without WebGPU run it faster; it answers the same.
`

export interface ServeOptions {
  readonly modelsDir?: string
  readonly appDir?: string
  readonly port: number
  readonly host: string
  readonly workers?: number
  readonly textCacheBytes?: number
  /** Absent: the models run here. */
  readonly gateway?: {
    readonly upstreams: readonly string[]
    readonly token?: string
    readonly maxInFlight?: number
    readonly workersEach?: number
    readonly kinds?: readonly TextServerKind[]
    readonly probe?: boolean
    readonly continues?: boolean
    readonly stallMs?: number
  }
  readonly allowOrigins: readonly string[]
  /** Absent: as the address that it listens on. */
  readonly allowHosts?: readonly string[]
  readonly embedOn: readonly string[]
  readonly connectTo: readonly string[]
  readonly security: SecurityFlags
  /** Absent: no reports are taken. */
  readonly reports?: ReportsOptions
}

/**
 * Reads the command line.
 *
 * @returns undefined when help was asked for
 * @throws {ConfigError} `config-invalid`, with a sentence for whoever typed it
 */
export function parseCli(
  args: readonly string[],
  env: {
    readonly PORT?: string | undefined
    readonly HITHER_UPSTREAM_TOKEN?: string | undefined
    readonly DATABASE_URL?: string | undefined
  },
): ServeOptions | undefined {
  const { values, positionals } = parse(args)
  checkNotEmpty(values)
  if (values.help === true || (args.length === 0 && positionals.length === 0)) return undefined
  const [command, extra] = positionals
  if (command !== 'serve')
    throw invalid(
      `There is no command ${command ?? 'given'}; there are "serve", "token", "notice", "models" and "optimize-lm".`,
    )
  if (extra !== undefined) throw invalid(`${extra} is one word too many; folders are given with --models and --app.`)
  const { models, app, host = 'localhost', workers, 'text-cache-mib': textCache } = values
  const reports = parseReportFlags(values, env)
  return {
    ...(models === undefined ? {} : { modelsDir: models }),
    ...(app === undefined ? {} : { appDir: app }),
    port: toPort(values.port, env.PORT),
    host,
    ...(workers === undefined ? {} : { workers: toWhole('--workers', workers, 1, 1024) }),
    ...(textCache === undefined
      ? {}
      : { textCacheBytes: toWhole('--text-cache-mib', textCache, 1, 1_048_576) * 2 ** 20 }),
    ...toGateway(values, env.HITHER_UPSTREAM_TOKEN),
    ...(values['allow-host'] === undefined ? {} : { allowHosts: values['allow-host'].map(parseHost) }),
    allowOrigins: (values['allow-origin'] ?? []).map(parseOrigin),
    embedOn: (values['embed-on'] ?? []).map((origin) => (origin === '*' ? origin : parseOrigin(origin))),
    connectTo: (values['connect-to'] ?? []).map(parseOrigin),
    security: parseSecurityFlags(values),
    ...(reports === undefined ? {} : { reports }),
  }
}

function toGateway(
  values: ReturnType<typeof parse>['values'],
  token: string | undefined,
): Pick<ServeOptions, 'gateway'> {
  const { upstream, 'upstream-limit': limit, 'upstream-workers': workers } = values
  const { 'upstream-kind': kind, 'upstream-probe': probe } = values
  const { 'upstream-continue': continues, 'upstream-stall': stall } = values
  if (upstream === undefined) {
    const flags = [limit, workers, kind, probe, continues, stall]
    if (flags.every((value) => value === undefined)) return {}
    throw invalid('The flags that begin with --upstream- are for a gateway; name its servers with --upstream.')
  }
  if ([values.workers, values.models, values['text-cache-mib']].some((value) => value !== undefined)) {
    throw invalid('A gateway runs no models itself: leave --workers, --models and --text-cache-mib out.')
  }
  const upstreams = upstream.flatMap((urls) => urls.split(',')).map((url) => url.trim())
  const wrong = upstreams.find((url) => !/^https?:\/\/./.test(url))
  if (wrong !== undefined)
    throw invalid(`${wrong || 'An empty text'} is no address of an upstream; write one like http://triton:8000.`)
  const kinds = kind?.flatMap((some) => some.split(',')).map(toKind)
  if (kinds !== undefined && kinds.length > 1 && kinds.length !== upstreams.length) {
    throw invalid(
      `--upstream-kind has ${kinds.length} kinds for ${upstreams.length} upstreams; give one for all, or each.`,
    )
  }
  checkSwitch('--upstream-probe', probe)
  checkSwitch('--upstream-continue', continues)
  return {
    gateway: {
      upstreams,
      ...(kinds === undefined ? {} : { kinds }),
      ...(probe === undefined ? {} : { probe: probe === 'on' }),
      ...(continues === undefined ? {} : { continues: continues === 'on' }),
      ...(stall === undefined ? {} : { stallMs: toWhole('--upstream-stall', stall, 1, 3_600_000) }),
      ...(token === undefined || token === '' ? {} : { token }),
      ...(limit === undefined ? {} : { maxInFlight: toWhole('--upstream-limit', limit, 1, 100_000) }),
      ...(workers === undefined ? {} : { workersEach: toWhole('--upstream-workers', workers, 1, 100_000) }),
    },
  }
}

function checkSwitch(flag: string, value: string | undefined): void {
  if (value !== undefined && value !== 'on' && value !== 'off') throw invalid(`${flag} is "on" or "off".`)
}

/** Those that upstreams are not named as: a gateway says itself that it is one. */
const isNamed = (kind: TextServerKind): boolean => kind !== 'unknown' && kind !== 'gateway'

function toKind(text: string): TextServerKind {
  const name = text.trim()
  const kind = textServerKinds.find((each) => each === name && isNamed(each))
  if (kind !== undefined) return kind
  const kinds = textServerKinds.filter(isNamed)
  throw invalid(`${name || 'An empty text'} is no kind of upstream; there are ${kinds.join(', ')}.`)
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: withProxyCount(args),
      allowPositionals: true,
      options: {
        models: { type: 'string' },
        app: { type: 'string' },
        port: { type: 'string' },
        host: { type: 'string' },
        workers: { type: 'string' },
        'text-cache-mib': { type: 'string' },
        upstream: { type: 'string', multiple: true },
        'upstream-limit': { type: 'string' },
        'upstream-workers': { type: 'string' },
        'upstream-kind': { type: 'string', multiple: true },
        'upstream-probe': { type: 'string' },
        'upstream-continue': { type: 'string' },
        'upstream-stall': { type: 'string' },
        'allow-origin': { type: 'string', multiple: true },
        'allow-host': { type: 'string', multiple: true },
        ...reportFlags,
        'embed-on': { type: 'string', multiple: true },
        'connect-to': { type: 'string', multiple: true },
        ...securityFlags,
        help: { type: 'boolean', short: 'h' },
      },
    })
  } catch (cause) {
    // Its first sentence says what is wrong; the rest is about positional arguments.
    const message = cause instanceof Error ? (cause.message.split(/\.\s/)[0] ?? '') : String(cause)
    throw invalid(`${message.replace(/\.$/, '')}.`)
  }
}

/** An empty value is a shell variable that was not set: taken as "none", it would leave out what was asked for. */
function checkNotEmpty(values: Readonly<Record<string, unknown>>): void {
  const empty = Object.keys(values).find((name) => [values[name]].flat().includes(''))
  if (empty !== undefined) throw invalid(`--${empty} is empty: give it a value, or leave it out.`)
}

function toPort(flag: string | undefined, env: string | undefined): number {
  if (flag !== undefined) return toWhole('--port', flag, 0, 65_535)
  return env === undefined || env === '' ? 8420 : toWhole('PORT', env, 0, 65_535)
}

const invalid = (message: string) => new ConfigError('config-invalid', message)
