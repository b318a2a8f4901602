import { isHitherError } from '../../errors/hither-error.ts'
import type { EndpointOptions } from '../plugin/endpoint-options.ts'
import type { EndpointPlugin } from '../plugin/endpoint-plugin.ts'
import { createGatewayEngine, type GatewayOptions } from './create-gateway-engine.ts'
import { createOpenAiPlugin } from './openai/openai-plugin.ts'

/**
 * What makes an endpoint a gateway: its models run at other servers that speak the protocol (KServe, Triton, MLServer,
 * OpenVINO, another Hither), and the OpenAI API of those that have one is passed on.
 *
 * @example
 * ```ts
 * const gateway = await openGateway({ upstreams: ['http://triton:8000', 'http://kserve:8080'] })
 * const endpoint = await createEndpoint({ ...gateway, allowOrigins: ['https://www.example.com'] })
 * ```
 *
 * @throws {ConfigError} there is no upstream, one is there twice, or an address can't be one
 */
export async function openGateway(
  options: Omit<GatewayOptions, 'onFault' | 'onThreadFault'>,
): Promise<Pick<EndpointOptions, 'plugins'> & Required<Pick<EndpointOptions, 'engine'>>> {
  let log: Parameters<EndpointPlugin['register']>[0]['log'] | undefined
  // Neither the error's sentence nor its cause: an upstream may have put a part of the request into them.
  const onFault = (error: unknown, about: { readonly upstream: string; readonly model: string }) => {
    const what = isHitherError(error) ? { code: error.code, status: error.context.status } : { code: 'unknown' }
    log?.warn({ ...about, ...what }, 'An upstream failed.')
  }
  const onThreadFault = (err: unknown) => log?.error({ err }, 'The thread that reads large answers failed.')
  const engine = await createGatewayEngine({ ...options, onFault, onThreadFault })
  const logging: EndpointPlugin = {
    name: 'gateway-log',
    register(app) {
      log = app.log
    },
  }
  return { engine, plugins: [createOpenAiPlugin(engine, { onFault }), logging] }
}
