import { ConfigError } from '../../errors/config-error.ts'
import type { EndpointOptions } from './endpoint-options.ts'

/** Each name once, so that a new option has to be put here. */
const names: Readonly<Record<keyof EndpointOptions, true>> = {
  modelsDir: true,
  engine: true,
  workers: true,
  maxQueue: true,
  runLimitMs: true,
  workerUrl: true,
  writingWorkerUrl: true,
  textCacheBytes: true,
  allowOrigins: true,
  tokens: true,
  rateLimit: true,
  openRepository: true,
  sealingSeed: true,
  bodyLimitBytes: true,
  bodyBudgetBytes: true,
  trustProxy: true,
  allowHosts: true,
  arrivalLimitsMs: true,
  appDir: true,
  connectTo: true,
  embedOn: true,
  plugins: true,
  logger: true,
  processMetrics: true,
  metricsPort: true,
  traces: true,
}

const tokenNames: Readonly<Record<keyof NonNullable<EndpointOptions['tokens']>, true>> = {
  secret: true,
  keys: true,
  renew: true,
  renewSeconds: true,
  audience: true,
  issuer: true,
  clockToleranceSeconds: true,
  maxLifetimeSeconds: true,
  singleUse: true,
}

/**
 * Refuses options that promise protection and would give none: a misspelled name, a limit that nothing exceeds, a rate of
 * tokens where none are asked for, a text in the place of true or false, every host beside one that is named.
 *
 * @throws {ConfigError} `config-invalid`
 */
export function checkOptions(options: EndpointOptions): void {
  const { tokens, rateLimit, sealingSeed, bodyLimitBytes, bodyBudgetBytes, arrivalLimitsMs, textCacheBytes } = options
  checkNames(options, names, '')
  if (tokens !== undefined) {
    checkNames(tokens, tokenNames, 'tokens.')
    checkSwitches({ 'tokens.singleUse': tokens.singleUse })
  }
  checkSwitches({ openRepository: options.openRepository, processMetrics: options.processMetrics })
  checkLists(options)
  if (rateLimit !== undefined) {
    checkNames(rateLimit, { perToken: true, perAddress: true }, 'rateLimit.')
    checkLimits({ 'rateLimit.perToken': rateLimit.perToken, 'rateLimit.perAddress': rateLimit.perAddress })
    if (rateLimit.perAddress === undefined && (rateLimit.perToken === undefined || tokens === undefined)) {
      throw invalid('rateLimit limits nobody: give perAddress, or tokens and perToken.')
    }
  }
  checkLimits({
    bodyLimitBytes,
    bodyBudgetBytes,
    textCacheBytes,
    runLimitMs: options.runLimitMs,
    maxQueue: options.maxQueue,
  })
  if (arrivalLimitsMs !== undefined) {
    checkLimits({
      'arrivalLimitsMs.headers': arrivalLimitsMs.headers,
      'arrivalLimitsMs.request': arrivalLimitsMs.request,
    })
  }
  if (sealingSeed !== undefined && !(sealingSeed.length >= 32)) {
    throw invalid('sealingSeed must have 32 bytes or more.')
  }
}

function checkNames(given: object, known: Readonly<Record<string, true>>, where: string): void {
  if (typeof given !== 'object' || given === null)
    throw invalid(`${where.replace(/\.$/, '') || 'The options'} must be an object.`)
  const strange = Object.keys(given).find((name) => !Object.hasOwn(known, name))
  if (strange === undefined) return
  throw invalid(`There is no option ${where}${strange}; there are ${Object.keys(known).join(', ')}.`)
}

/** `'false'` is true to most code, and `'true'` is not `true`. */
export function checkSwitches(switches: Readonly<Record<string, boolean | undefined>>): void {
  for (const [name, value] of Object.entries(switches)) {
    if (value === undefined || typeof value === 'boolean') continue
    throw invalid(`${name} must be true or false, and no text or number.`)
  }
}

function checkLists({ allowOrigins, allowHosts, connectTo, embedOn }: EndpointOptions): void {
  for (const [name, list] of Object.entries({ allowOrigins, allowHosts, connectTo, embedOn })) {
    if (list === undefined) continue
    if (Array.isArray(list) && list.every((text) => typeof text === 'string')) continue
    throw invalid(`${name} must be a list of texts.`)
  }
  if (allowHosts !== undefined && allowHosts.length > 1 && allowHosts.includes('*')) {
    throw invalid('allowHosts protects nothing with * in it: name the hosts, or * alone.')
  }
}

/** No limit is one that is left out, never 0, NaN or a negative one. */
function checkLimits(limits: Readonly<Record<string, number | undefined>>): void {
  for (const [name, value] of Object.entries(limits)) {
    if (value === undefined || (Number.isFinite(value) && value > 0)) continue
    throw invalid(`${name} must be a number above 0, not ${String(value)}; leave it out for the default.`)
  }
}

const invalid = (message: string) => new ConfigError('config-invalid', message)
