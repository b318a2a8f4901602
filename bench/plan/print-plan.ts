import { meanOf } from '../../src/utils/log-normal.ts'
import type { FleetPlan, FleetRequest } from './plan-fleet.ts'
import type { FleetRun } from './simulate-fleet.ts'

const percent = (share: number) => `${(100 * share).toFixed(share < 0.001 && share > 0 ? 4 : 1)} %`
const ms = (value: number) => `${value.toFixed(value < 10 ? 2 : 1)} ms`
const row = (cells: readonly string[]) =>
  cells.map((cell, at) => (at === 0 ? cell.padEnd(44) : cell.padStart(15))).join('')

/** The plan as a table, and the simulated fleet beside it where there is one. */
export function printPlan(
  request: FleetRequest,
  plan: FleetPlan,
  run: FleetRun | undefined,
  print: (line: string) => void,
) {
  const { platform, cloud, peak } = request
  const { edge } = plan
  print(
    `${platform.devices} devices, ${platform.requestsPerDeviceHour} requests a device-hour, ${peak} times that at the busiest hour`,
  )
  print(
    `T ${platform.deadlineMs} ms; C / R ${ms(meanOf(cloud.service))} on one worker; ${platform.requestBytes} B up, ${platform.responseBytes} B back`,
  )
  print('')
  print(row(['device, link (share of requests)', 'at the edge', 'in time', 'all edge', 'all cloud']))
  for (const cell of edge.cells) {
    const name = `${cell.device}, ${cell.link} (${percent(cell.share)})`
    const shares = [cell.edgeShare, cell.inTimeShare, cell.edgeInTimeShare, cell.cloudInTimeShare]
    print(row([name, ...shares.map(percent)]))
  }
  print(row(['all', ...[edge.edgeShare, edge.inTimeShare, edge.edgeInTimeShare, edge.cloudInTimeShare].map(percent)]))
  print('')
  print(row(['cloud platform, busiest hour', 'with the edge', 'all cloud']))
  const both = (name: string, pick: (of: typeof plan.cloud) => string) =>
    print(row([name, pick(plan.cloud), pick(plan.allCloud)]))
  print(row(['requests a second', edge.cloudRequestsPerSecond.toFixed(1), edge.requestsPerSecond.toFixed(1)]))
  both(`workers for a p95 of ${ms(cloud.p95Ms)}`, ({ workers }) => String(workers))
  both('utilisation', ({ utilisation }) => percent(utilisation))
  both('chance to wait (Erlang C)', ({ chanceToWait }) => percent(chanceToWait))
  both('mean wait', ({ meanWaitMs }) => ms(meanWaitMs))
  both('p95 of wait and run', ({ p95Ms }) => ms(p95Ms))
  print(
    row(['money for 1,000 requests of the fleet', plan.moneyPer1000.toFixed(5), plan.allCloud.moneyPer1000.toFixed(5)]),
  )
  print(row(['bytes saved for 1,000 requests', `${(edge.savedBytesPer1000 / 1e6).toFixed(2)} MB`]))
  print(row(['workers that the edge replaces', edge.savedWorkers.toFixed(1)]))
  if (run === undefined) return
  print('')
  const line = run.line(plan.cloud.workers)
  print(row([`simulated: ${run.devices} devices, ${run.requests} requests`, 'formula', 'simulated']))
  const beside = (name: string, formula: string, simulated: string) => print(row([name, formula, simulated]))
  beside('at the edge', percent(edge.edgeShare), percent(run.edgeShare))
  beside('in time', percent(edge.inTimeShare), percent(run.inTimeShare))
  beside('bridged by the cloud', percent(edge.bridgedShare), percent(run.bridgedShare))
  beside('utilisation', percent(plan.cloud.utilisation), percent(line.utilisation))
  beside('chance to wait', percent(plan.cloud.chanceToWait), percent(line.chanceToWait))
  beside('mean wait', ms(plan.cloud.meanWaitMs), ms(line.meanWaitMs))
  beside('p95 of wait and run', ms(plan.cloud.p95Ms), ms(line.p95Ms))
}
