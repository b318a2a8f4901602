import { type Client, createClient, type SimulationOptions } from '../../index.ts'
import type { Preferences, SimulationName } from './preferences.ts'
import type { Settings } from './read-settings.ts'

export interface AppClientOptions {
  readonly settings: Settings
  readonly preferences: Preferences
  readonly simulation: SimulationName
  readonly token?: string | undefined
}

export type CreateAppClient = (options: AppClientOptions) => Client

const pretended: Record<Exclude<SimulationName, 'none'>, SimulationOptions> = {
  '3g': { network: { roundTripMs: 400, bitsPerSecond: 400_000 } },
  offline: { network: 'offline' },
  'slow-device': { slowdown: 8 },
}

/**
 * The app's client. In a file of its own, so that the page shows before it has arrived.
 *
 * @throws {ConfigError} a setting can't be used
 */
export const createAppClient: CreateAppClient = ({ settings, preferences, simulation, token }) =>
  createClient({
    catalog: new URL('models/catalog.json', document.baseURI),
    endpoint: {
      // Below the path of the build, as its models are: the origin may be another app's.
      url: preferences.endpoint ?? new URL('.', document.baseURI),
      ...(token === undefined ? {} : { token: () => token }),
    },
    ...(settings.deadlineMs === undefined ? {} : { policy: { deadlineMs: settings.deadlineMs } }),
    ...(settings.backends === undefined ? {} : { runtime: { backends: settings.backends } }),
    ...(simulation === 'none' ? {} : { simulate: pretended[simulation] }),
    saveData: preferences.saveData,
    report: preferences.report ? 'routes' : 'none',
  })
