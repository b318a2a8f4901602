import fc from 'fast-check'
import { expect, test } from 'vitest'
import { makeHither } from './hither-policy.ts'
import { abrGreedy, cloudOnly, linUcb, oracle, pointEstimate, thompson } from './peer-policies.ts'
import { isForTuning, parseRecording, toRecording } from './recordings.ts'
import { cloudMs, drawSession, mostCloudMs, transferS } from './session.ts'
import { simulate } from './simulate.ts'

const header = 't_s,dl_mbps,ul_mbps,rtt_ms,loss'
const recordingOf = (...rows: string[]) => toRecording('a.csv', '4G', parseRecording([header, ...rows].join('\n')))

test.each([
  ['time that runs backwards', ['0,1,1,50,', '2,1,1,50,', '1,1,1,50,']],
  ['time that stands still', ['0,1,1,50,', '0,1,1,50,', '1,,,,']],
  ['what is no number', ['0,1,1,50,', '1,fast,1,50,', '2,,,,']],
  ['a negative rate', ['0,1,1,50,', '1,-1,1,50,', '2,,,,']],
  ['endless rates', ['0,1,1,50,', '1,Infinity,1,50,', '2,,,,']],
  ['nothing', []],
])('%s is refused, with a reason', (_, rows) => {
  expect(() => recordingOf(...rows)).toThrow(/^(time runs backwards|a row is no measurement|it has fewer)/)
})

test('a recording without a column of times is refused', () => {
  expect(() => parseRecording('dl_mbps\n1\n2\n3')).toThrow('no column t_s')
})

test('holes hold what was measured last, and an absent uplink is a share of the downlink', () => {
  const holes = recordingOf('0,10,2,40,', '1,,,,', '2,20,,60,', '3,,,,')
  expect([...holes.downlinkBps]).toEqual([10e6, 10e6, 20e6])
  expect([...holes.uplinkBps]).toEqual([2e6, 2e6, 2e6])
  expect([...holes.roundTripMs]).toEqual([40, 40, 60])
  expect([...recordingOf('0,10,,,', '1,20,,,', '2,,,,').uplinkBps]).toEqual([3e6, 6e6])
})

test('a transfer takes what its rates give, over rows and over the end, which repeats', () => {
  const { startS, uplinkBps } = recordingOf('0,1,1,50,', '1,1,3,50,', '2,,,,')
  expect(transferS(startS, uplinkBps, 0, 1e6)).toBeCloseTo(1, 9)
  expect(transferS(startS, uplinkBps, 0.5, 2e6)).toBeCloseTo(0.5 + 0.5, 9)
  expect(transferS(startS, uplinkBps, 1.5, 2e6)).toBeCloseTo(0.5 + 0.5, 9)
})

test('over a link that carries nothing a request is given up after its limit', () => {
  const dead = recordingOf('0,0,0,50,', '1,0,0,50,', '2,,,,')
  const session = drawSession(dead, { payloadKB: 100, gapS: 3, deviceMs: 80 }, 1, 5)
  for (let i = 0; i < 5; i += 1) expect(cloudMs(session, i, session.arrivalMs[i] ?? 0)).toBe(mostCloudMs)
})

test('pieces of one drive are on the same side of the split', () => {
  const rows = parseRecording([header, '0,1,1,50,', '1,1,1,50,', '2,,,,'].join('\n'))
  const group = (name: string) => toRecording(name, '4G', rows).group
  expect(group('drive/a_01.csv')).toBe(group('drive/a_02.csv'))
  const shares = Array.from({ length: 2000 }, (_, index) => Number(isForTuning({ group: `drive-${index}` })))
  expect(shares.reduce((sum, each) => sum + each, 0) / 2000).toBeCloseTo(0.6, 1)
})

test('whatever a link does, every policy answers every request, in a time that is a number', () => {
  const row = fc.tuple(fc.constantFrom(0, 0.01, 1, 300), fc.constantFrom(1, 80, 3000))
  const policies = { cloudOnly, pointEstimate, abrGreedy, linUcb, thompson, oracle, hither: makeHither() }
  fc.assert(
    fc.property(
      fc.array(row, { minLength: 2, maxLength: 6 }),
      fc.constantFrom(0.2, 30),
      fc.integer(),
      (rows, gapS, seed) => {
        const lines = rows.map(([mbps, rtt], index) => `${index * 3},${mbps},${mbps},${rtt},`)
        const recording = recordingOf(...lines, `${rows.length * 3},,,,`)
        const session = drawSession(recording, { payloadKB: 100, gapS, deviceMs: 80 }, seed, 12)
        for (const [name, make] of Object.entries(policies)) {
          const { latencyMs } = simulate(
            session,
            make(session, () => 0.5),
          )
          for (const ms of latencyMs) expect(ms > 0 && Number.isFinite(ms), name).toBe(true)
        }
      },
    ),
    { numRuns: 60 },
  )
})

test('a run that was overtaken still holds the device, and the next one waits for it', () => {
  const fast = recordingOf('0,300,300,10,', '100,300,300,10,', '200,,,,')
  const drawn = drawSession(fast, { payloadKB: 20, gapS: 1, deviceMs: 500 }, 3, 2)
  const session = {
    ...drawn,
    arrivalMs: Float64Array.of(0, 100),
    edgeMs: Float64Array.of(500, 500),
    stallMs: Float64Array.of(0, 0),
  }
  // The first request runs on both, the second at the edge only.
  const { latencyMs, wastedEdge } = simulate(session, {
    decide(choice) {
      choice.cloudFirst = false
      if (choice.index === 0) choice.secondAfterMs = 0
    },
  })
  expect(latencyMs[0]).toBeLessThan(500)
  expect(wastedEdge[0]).toBe(1)
  expect(latencyMs[1]).toBeCloseTo(900, 6)
})
