import { openTextServer } from '../../src/cloud/text/open-text-server.ts'
import type { CloudWriteRequest } from '../../src/cloud/text/text-server.ts'
import { greedy } from '../../src/generation/sampling/sampling.ts'
import { openCuttingProxy } from '../../src/testing/cutting-proxy.ts'
import type { Outcome } from '../checks.ts'
import { compareWritten, type Likeness, summary, written } from './compare-writers.ts'
import { must, runAll } from './must.ts'
import { openTextGateway } from './served-texts.ts'
import type { Smollm2Text } from './smollm2-text.ts'

const tokens = 32
/** Pieces of text after which the upstream that writes is cut off. */
const cutAfter = 6
const asked = ['the sea', 'a small dog', 'the moon', 'bread', 'an old key', 'winter', 'a train', 'tea']

/**
 * A gateway before our endpoint and another server, with the same model under the same name: the one that writes is cut off
 * in the middle of a stream, and the other one goes on. Conversations are tried until each has been the one that was cut.
 */
export async function checkMovedStreams(
  theirs: { readonly url: string; readonly model: string },
  ours: { readonly url: string; readonly model: string },
  text: Smollm2Text,
): Promise<readonly Outcome[]> {
  const sides = { ours: await openCuttingProxy(ours.url), theirs: await openCuttingProxy(theirs.url) }
  const gateway = await openTextGateway([sides.ours.url, sides.theirs.url])
  const server = openTextServer({ url: gateway.url })
  const own = openTextServer({ url: ours.url })
  try {
    return await runAll({
      async 'stream goes on at the other upstream'() {
        const moves: Record<'ours' | 'theirs', Likeness[]> = { ours: [], theirs: [] }
        for (const about of asked) {
          if (moves.ours.length > 0 && moves.theirs.length > 0) break
          const promptText = text.render([{ role: 'user', content: `Write a few sentences about ${about}.` }])
          const request: CloudWriteRequest = {
            model: ours.model,
            // As text: a gateway knows no model's template, and that is what such a server goes on with.
            prompt: { text: promptText },
            sampling: greedy,
            stops: [],
            maxTokens: tokens,
          }
          const undisturbed = await written(own, request)
          const before = { ours: sides.ours.bytes, theirs: sides.theirs.bytes }
          let cut: 'ours' | 'theirs' | undefined
          const onText = (parts: number) => {
            if (parts < cutAfter || cut !== undefined) return
            const more = { ours: sides.ours.bytes - before.ours, theirs: sides.theirs.bytes - before.theirs }
            cut = more.ours > more.theirs ? 'ours' : 'theirs'
            sides[cut].refuse(true)
          }
          const moved = await written(server, request, { onText })
          for (const side of Object.values(sides)) side.refuse(false)
          must(cut !== undefined, 'it ended before it was cut')
          const likeness = await compareWritten(
            undisturbed,
            { text: moved.text, reason: moved.end.reason },
            { shown: '', promptText, text, endpoint: ours.url, model: ours.model },
          )
          moves[cut].push(likeness)
          await untilHealthy(gateway.url)
        }
        const told = (['ours', 'theirs'] as const).map((side) =>
          moves[side].length === 0 ? `from ${side}: not seen` : `from ${side}: ${summary(moves[side])}`,
        )
        const metrics = await (await fetch(`${gateway.url}/metrics`)).text()
        const count = [...metrics.matchAll(/hither_text_moves_total\{[^}]*outcome="continued"[^}]*\} (\d+)/g)]
        const counted = count.reduce((sum, [, value]) => sum + Number(value), 0)
        must(counted === moves.ours.length + moves.theirs.length, `${counted} moves are counted; ${told.join('; ')}`)
        return told.join('; ')
      },
    })
  } finally {
    await gateway.close()
    for (const side of Object.values(sides)) await side.close()
  }
}

/** An upstream that failed is asked for its health from time to time, and gets requests once it answers. */
async function untilHealthy(url: string): Promise<void> {
  const untilMs = performance.now() + 30_000
  while (!(await fetch(`${url}/v2/health/ready`)).ok && performance.now() < untilMs) {
    await new Promise((resolve) => setTimeout(resolve, 250))
  }
}
