import { hasShared, sharedFile } from '../support/task-models.ts'
import type { BrowserDriver } from './browser-driver.ts'

/** What one browser is asked to do. Throws with what went wrong. */
export interface Check {
  readonly name: string
  /** Why it can't be asked here; absent where it can. */
  readonly missing?: string
  run(driver: BrowserDriver): Promise<void>
}

export const arms = { 'edge-only': 'edge', 'cloud-only': 'cloud' } as const
export type Privacy = keyof typeof arms

export function expectSame(got: unknown, wanted: unknown): void {
  const [a, b] = [JSON.stringify(got), JSON.stringify(wanted)]
  if (a !== b) throw new Error(`gave ${a}, not ${b}`)
}

/** One request here and one in the cloud, with what should come back but the arm. */
function onBothArms(name: string, call: (privacy: Privacy) => string, check: (answer: never) => void): Check {
  return {
    name,
    async run(driver) {
      for (const privacy of Object.keys(arms) as Privacy[]) {
        const answer = (await driver.evaluate(`hither.smoke.${call(privacy)}`)) as { ran: string }
        expectSame(answer.ran, arms[privacy])
        check(answer as never)
      }
    },
  }
}

const label = (wanted: string) => (answer: { label: string }) => expectSame(answer.label, wanted)
const quote = (value: string) => JSON.stringify(value)

function inSharedPicture(task: string, path: string, wanted: { count?: number; label: string }): Check {
  const name = `${task}, one of the pictures beside the model`
  if (!hasShared) return { name, missing: '../shared/models is not here', run: async () => {} }
  const picture = sharedFile(path).toString('base64')
  return onBothArms(
    name,
    (privacy) => `found(${quote(task)}, ${quote(picture)}, ${quote(privacy)})`,
    (answer: { count: number; label: string }) => {
      expectSame(answer.label, wanted.label)
      if (wanted.count !== undefined) expectSame(answer.count, wanted.count)
    },
  )
}

/** Every task, edge and cloud. */
export const taskChecks: readonly Check[] = [
  onBothArms('image classification: a drawn digit', (privacy) => `digit(${quote(privacy)})`, label('7')),
  onBothArms(
    'text classification: a language',
    (privacy) => `text('language-identification', 'Wo ist hier der nächste Bahnhof?', ${quote(privacy)})`,
    label('de'),
  ),
  onBothArms(
    'text classification: an intent',
    (privacy) => `text('intents-small', 'what is the weather like in paris today', ${quote(privacy)})`,
    label('weather'),
  ),
  onBothArms(
    'voice activity: a tone in silence',
    (privacy) => `sound(${quote(privacy)})`,
    (answer: { segments: { startMs: number }[] }) => {
      expectSame(answer.segments.length, 1)
      const startMs = answer.segments[0]?.startMs ?? 0
      if (Math.abs(startMs - 500) > 32) throw new Error(`the tone starts at ${startMs} ms, not at 500`)
    },
  ),
  inSharedPicture('face-detection', 'ultraface/images/19.jpg', { count: 5, label: 'face' }),
  inSharedPicture('object-detection', 'fastestdet/images/3.jpg', { label: 'person' }),
]
