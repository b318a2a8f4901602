import { scaleBand, scaleLinear, scaleLog } from 'd3-scale'
import { line } from 'd3-shape'
import { createWaitingLine } from '../../src/routing/fleet/waiting-line.ts'
import { type FleetPlan, type FleetRequest, planFleet } from './plan-fleet.ts'
import type { FleetRun } from './simulate-fleet.ts'

const size = { width: 1080, height: 420 }
const colors = { edge: '#1b7f5c', cloud: '#3a62c4', ink: '#1d2433', soft: '#8a93a5', grid: '#e3e7ee' }

const text = (x: number, y: number, content: string, more = '') =>
  `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" ${more}>${content.replaceAll('&', '&amp;').replaceAll('<', '&lt;')}</text>`
const path = (points: readonly [number, number][], color: string, dashed = false) =>
  `<path d="${line()([...points])}" fill="none" stroke="${color}" stroke-width="2"${dashed ? ' stroke-dasharray="5 4"' : ''}/>`
const panel = (x: number, title: string, content: readonly string[]) =>
  `<g transform="translate(${x} 88)">${text(0, -28, title, 'font-weight="600"')}${content.join('')}</g>`

const plot = { width: 260, height: 280 }

/** Which share of each kind of device and link is answered at the edge. */
function drawCells({ edge }: FleetPlan): string[] {
  const devices = [...new Set(edge.cells.map(({ device }) => device))]
  const links = [...new Set(edge.cells.map(({ link }) => link))]
  const x = scaleBand(links, [80, 80 + 200]).padding(0.06)
  const y = scaleBand(devices, [0, plot.height - 40]).padding(0.06)
  const color = scaleLinear([0, 1], [colors.cloud, colors.edge])
  const squares = edge.cells.map(({ device, link, edgeShare }) => {
    const [left, top] = [x(link) ?? 0, y(device) ?? 0]
    const fill = `<rect x="${left}" y="${top}" width="${x.bandwidth()}" height="${y.bandwidth()}" rx="4" fill="${color(edgeShare)}"/>`
    const middle = `text-anchor="middle" fill="#fff"`
    return (
      fill + text(left + x.bandwidth() / 2, top + y.bandwidth() / 2 + 4, `${Math.round(100 * edgeShare)} %`, middle)
    )
  })
  return [
    ...squares,
    ...devices.map((name) => text(72, (y(name) ?? 0) + y.bandwidth() / 2 + 4, name, 'text-anchor="end"')),
    ...links.map((name) => text((x(name) ?? 0) + x.bandwidth() / 2, plot.height - 22, name, 'text-anchor="middle"')),
    text(80, plot.height, 'green: at the edge, blue: in the cloud', `fill="${colors.soft}"`),
  ]
}

/** The p95 by number of workers: the formula's line, the simulation's dots, the target and the choice. */
function drawWorkers(
  { cloud: { service, p95Ms } }: FleetRequest,
  { cloud, edge }: FleetPlan,
  run?: FleetRun,
): string[] {
  const requestsPerSecond = edge.cloudRequestsPerSecond
  const least = Math.floor((requestsPerSecond * Math.exp(service.mu + service.variance / 2)) / 1000) + 1
  const most = Math.max(least + 4, cloud.workers + Math.ceil((cloud.workers - least + 2) * 1.5))
  const step = Math.max(1, Math.ceil((most - least) / 40))
  const counts = Array.from({ length: Math.floor((most - least) / step) + 1 }, (_, index) => least + index * step)
  const points = counts.flatMap((workers): [number, number][] => {
    const at = createWaitingLine({ requestsPerSecond, workers, service }).quantileMs(0.95)
    return at < 4 * p95Ms ? [[workers, at]] : []
  })
  const x = scaleLinear([least, most], [40, plot.width])
  const mostMs = Math.max(p95Ms * 1.2, ...points.map(([, at]) => at))
  const y = scaleLinear([0, mostMs], [plot.height - 40, 0])
  const at = (workers: number, ms: number): [number, number] => [x(workers), y(ms)]
  const dots = [...new Set([0, 0.25, 0.5, 1].map((share) => Math.round(least + share * (most - least))))]
    .concat(cloud.workers)
    .flatMap((workers) => {
      const ms = run?.line(workers).p95Ms
      return ms === undefined || !(ms < mostMs) ? [] : [[workers, ms] as const]
    })
  return [
    ...y
      .ticks(5)
      .map(
        (tick) =>
          `<path d="M40 ${y(tick)}H${plot.width}" stroke="${colors.grid}"/>${text(34, y(tick) + 4, `${tick}`, 'text-anchor="end"')}`,
      ),
    ...x
      .ticks(4)
      .filter(Number.isInteger)
      .map((tick) => text(x(tick), plot.height - 22, `${tick}`, 'text-anchor="middle"')),
    path([at(least, p95Ms), at(most, p95Ms)], colors.soft, true),
    path(
      points.map(([workers, ms]) => at(workers, ms)),
      colors.cloud,
    ),
    ...dots.map(([workers, ms]) => `<circle cx="${x(workers)}" cy="${y(ms)}" r="4" fill="${colors.ink}"/>`),
    `<circle cx="${x(cloud.workers)}" cy="${y(cloud.p95Ms)}" r="7" fill="none" stroke="${colors.ink}" stroke-width="2"/>`,
    text(40, plot.height, `workers; line: formula, dots: simulated, ring: ${cloud.workers}`, `fill="${colors.soft}"`),
  ]
}

/** Money for 1,000 requests by number of devices, with the edge and without. */
function drawMoney(request: FleetRequest): string[] {
  const counts = [1e2, 3e2, 1e3, 3e3, 1e4, 3e4, 1e5, 3e5, 1e6]
  const plans = counts.map((devices) => planFleet({ ...request, platform: { ...request.platform, devices } }))
  const most = Math.max(...plans.map(({ allCloud }) => allCloud.moneyPer1000))
  const least = Math.min(...plans.map(({ moneyPer1000 }) => moneyPer1000))
  const x = scaleLog([1e2, 1e6], [56, plot.width])
  const y = scaleLog([least / 1.5, most * 1.5], [plot.height - 40, 0])
  const drawn = (pick: (plan: FleetPlan) => number) =>
    plans.map((plan, index): [number, number] => [x(counts[index] ?? 1), y(pick(plan))])
  return [
    ...y.ticks(3).map((tick) => `<path d="M56 ${y(tick)}H${plot.width}" stroke="${colors.grid}"/>`),
    ...y
      .ticks(3)
      .filter((_, index, all) => index % Math.ceil(all.length / 6) === 0)
      .map((tick) => text(50, y(tick) + 4, tick.toPrecision(1), 'text-anchor="end"')),
    ...[1e2, 1e4, 1e6].map((tick) =>
      text(x(tick), plot.height - 22, tick.toLocaleString('en'), 'text-anchor="middle"'),
    ),
    path(
      drawn(({ allCloud }) => allCloud.moneyPer1000),
      colors.cloud,
    ),
    path(
      drawn(({ moneyPer1000 }) => moneyPer1000),
      colors.edge,
    ),
    text(56, plot.height, 'devices; blue: all in the cloud, green: Hither', `fill="${colors.soft}"`),
  ]
}

/** The plan as a picture: an SVG document. */
export function drawPlan(request: FleetRequest, plan: FleetPlan, run: FleetRun | undefined): string {
  const { devices, requestsPerDeviceHour } = request.platform
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${size.width} ${size.height}" font-family="system-ui, sans-serif" font-size="12" fill="${colors.ink}">`,
    '<title>A fleet and its endpoint, planned</title>',
    `<rect width="${size.width}" height="${size.height}" fill="#fff"/>`,
    text(
      24,
      22,
      `${devices.toLocaleString('en')} devices, ${requestsPerDeviceHour} requests a device-hour`,
      `fill="${colors.soft}"`,
    ),
    panel(24, 'Answered at the edge', drawCells(plan)),
    panel(390, 'p95 at the endpoint, ms', drawWorkers(request, plan, run)),
    panel(720, 'Money for 1,000 requests', drawMoney(request)),
    '</svg>',
    '',
  ].join('\n')
}
