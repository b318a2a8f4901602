import { afterEach } from 'vitest'
import { openTextGateway, type TextGateway } from './text-gateway.ts'

const opened: TextGateway[] = []
/** Closes the gateways that are open: also in the midst of a test that opens many. */
export async function closeGateways(): Promise<void> {
  for (const gateway of opened.splice(0)) await gateway.close()
}
afterEach(closeGateways)

/** A gateway before fake text servers, closed after the test. */
export async function openGateway(...args: Parameters<typeof openTextGateway>): Promise<TextGateway> {
  const gateway = await openTextGateway(...args)
  opened.push(gateway)
  return gateway
}
