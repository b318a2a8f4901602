import type { FastifyRequest } from 'fastify'
import { timeoutHeader } from '../../protocol/server/metadata.ts'

/** Milliseconds that the client waits, as its header says; what is no number is left out. */
export function timeoutOf({ headers }: FastifyRequest): number | undefined {
  const header = headers[timeoutHeader.toLowerCase()]
  return typeof header === 'string' && /^\d{1,9}$/.test(header) ? Number(header) : undefined
}
