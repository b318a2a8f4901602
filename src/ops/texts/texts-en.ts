import type { OpsGrouping } from '../../contracts/ops.ts'

const plural = (count: number, one: string, many: string) => (count === 1 ? one : many)

/** Every text of the operator's page, in English. */
export const english = {
  title: 'Operations',
  language: '中文',
  token: {
    title: 'Who is asking?',
    hint: 'This page needs an access token with the scope “ops”. It stays in this tab’s memory, and nowhere else.',
    label: 'Access token',
    make: 'To make one for trying: hither token --secret-file FILE --audience NAME --scope ops',
    open: 'Open',
  },
  period: {
    label: 'Period',
    options: { '24': '24 hours', '168': '7 days', '720': '30 days', '2160': '90 days' } as Readonly<
      Record<string, string>
    >,
  },
  model: { label: 'Model', all: 'All models' },
  refresh: 'Refresh',
  csv: 'CSV',
  loading: 'Reading…',
  nothing: 'No device has reported anything in this period.',
  problem: {
    unauthorized: 'The token is not valid, or has ended. Give a new one.',
    forbidden: 'This token does not allow it: it needs the scope “ops”.',
    unreachable: 'The endpoint could not be reached. Try again in a moment.',
    failed: (status: number) => `The endpoint answered ${status}. Its log says why.`,
    unreadable: 'The endpoint answered something that this page does not understand. Load the page again.',
  },
  tiles: {
    requests: 'Requests',
    atTheEdge: 'At the edge',
    failed: 'Failed',
    edgeP95: 'Edge, 95 in 100 within',
    cloudP95: 'Cloud, 95 in 100 within',
    devices: 'Devices',
    before: (text: string) => `${text} before`,
    fresh: (count: string) => `${count} new`,
  },
  arm: { edge: 'edge', cloud: 'cloud' } as Readonly<Record<string, string>>,
  series: {
    title: 'Requests',
    edge: 'Edge',
    cloud: 'Cloud',
    failed: 'Failed',
    time: 'Time',
    summary: (answered: string, failed: string) => `${answered} requests answered and ${failed} failed in this period.`,
  },
  times: {
    title: 'How long they took',
    edgeP50: 'Edge p50',
    edgeP95: 'Edge p95',
    cloudP50: 'Cloud p50',
    cloudP95: 'Cloud p95',
    summary: 'Median and 95th percentile of answered requests, by where they ran.',
  },
  written: {
    title: 'Texts',
    firstToken: 'First token',
    rate: 'Tokens a second',
    moves: 'Moves',
  },
  groups: {
    title: 'By',
    by: { arm: 'Arm', model: 'Model', backend: 'Backend', browser: 'Browser' } satisfies Record<OpsGrouping, string>,
    answered: 'Answered',
    share: 'At the edge',
    failed: 'Failed',
  },
  failures: {
    title: 'Failures',
    none: 'None in this period.',
    code: 'Code',
    arm: 'Where',
    count: 'Times',
    before: 'Before',
    trend: 'Trend',
    about: 'Also those that the other arm made good.',
    fresh: 'new',
  },
  revisions: {
    title: 'Revisions of models',
    none: 'None in this period.',
    revision: 'Revision',
    arm: 'Ran at',
    answered: 'Answered',
    failed: 'Failed',
    p95: 'p95',
    before: 'p95 before',
    state: 'State',
    slow: 'slow',
    failing: 'failing',
    fine: 'fine',
    about:
      'Slow: 1.5 times what another revision, or this one before, took at p95. Failing: 5 in 100 or more failed. From 20 requests on.',
  },
  fleet: {
    title: 'Fleet and workers',
    devices: 'N: devices that reported',
    workers: 'M: workers now',
    busy: (busy: string, waiting: string) => `${busy} busy, ${waiting} waiting`,
    unknown: 'not known',
    peak: 'Busiest hour, cloud requests a second',
    service: 'One run in the cloud',
    goal: '95 in 100 within',
    advice: 'The plan advises',
    growth: 'If the fleet were',
    times: (factor: number) => (factor === 1 ? 'as it is' : `${factor} times as large`),
    workersFor: (workers: string, count: number) => `${workers} ${plural(count, 'worker', 'workers')}`,
    utilisation: 'busy',
    noLoad: 'The cloud has answered nothing in this period: there is nothing to plan from.',
    tooSlow: 'One run alone takes longer than that: no number of workers is enough. Allow more time.',
    dropped: 'Reports that never came',
    droppedParts: {
      expired: 'too old',
      full: 'no room',
      lost: 'cleared on the device',
      refused: 'refused here',
    },
  },
}

/** What a language must say. */
export type Texts = typeof english
