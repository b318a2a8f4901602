import { type DestinationStream, type Logger, pino } from 'pino'

export interface LoggerOptions {
  /** Default `warn`. */
  readonly level?: string
  /** Default: standard output. */
  readonly stream?: DestinationStream
}

/**
 * The endpoint's log. It names addresses without their query and errors without the numbers and the text in them: the
 * runtime's messages quote what a request held. No headers, no bodies.
 */
export function createLogger({ level = 'warn', stream }: LoggerOptions = {}): Logger {
  const options = { level, serializers: { req: toRequestLine, res: toStatus, err: toErrorLine } }
  return stream === undefined ? pino(options) : pino(options, stream)
}

interface RequestLike {
  readonly method?: string
  readonly url?: string
  readonly ip?: string
}

const toRequestLine = ({ method, url, ip }: RequestLike) => ({ method, path: url?.split('?')[0], ip })
const toStatus = ({ statusCode }: { readonly statusCode?: number }) => ({ status: statusCode })

function toErrorLine(error: unknown): Readonly<Record<string, unknown>> {
  if (!(error instanceof Error)) return { type: typeof error }
  const { name, message, cause } = error
  const code = 'code' in error ? error.code : undefined
  return {
    type: name,
    ...(code === undefined ? {} : { code }),
    message: withoutValues(message),
    ...(error.stack === undefined ? {} : { at: frames(error.stack) }),
    ...(cause === undefined ? {} : { cause: toErrorLine(cause) }),
  }
}

/** Where it was thrown: the stack without the message that it starts with. */
const frames = (stack: string): string =>
  stack
    .split('\n')
    .filter((line) => /^\s+at /.test(line))
    .slice(0, 12)
    .join('\n')

const withoutValues = (message: string): string =>
  message
    .slice(0, 2000)
    .replace(/(["'`])(?:(?!\1).)*\1/g, '$1…$1')
    .replace(/-?\d+(\.\d+)?(e[-+]?\d+)?/gi, '#')
