import { ConfigError } from '../../errors/config-error.ts'

/** A flag's value as a whole number. @throws {ConfigError} `config-invalid` */
export function toWhole(name: string, text: string, least: number, greatest: number): number {
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN
  if (value >= least && value <= greatest) return value
  throw new ConfigError('config-invalid', `${name} must be a whole number from ${least} to ${greatest}, not ${text}.`)
}
