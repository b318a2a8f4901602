import * as v from 'valibot'
import { object } from '../../contracts/object-schemas.ts'

/** What the tabs of a name say to all others: how a tab finds the leader, and is served by it. */
const noticeSchema = v.variant('kind', [
  object({ kind: v.literal('who') }),
  object({ kind: v.literal('leader'), leader: v.string() }),
  object({ kind: v.literal('join'), leader: v.string(), tab: v.string() }),
  object({ kind: v.literal('joined'), leader: v.string(), tab: v.string() }),
])

export type TabNotice = v.InferOutput<typeof noticeSchema>

export interface TabNotices {
  /** Sends a notice to all other tabs. */
  post(notice: TabNotice): void
  close(): void
}

/** @param onNotice another tab has sent a notice; anything else on the channel is ignored */
export function openTabNotices(name: string, onNotice: (notice: TabNotice) => void): TabNotices {
  const channel = new BroadcastChannel(name)
  channel.onmessage = ({ data }: MessageEvent<unknown>) => {
    const notice = v.safeParse(noticeSchema, data)
    if (notice.success) onNotice(notice.output)
  }
  return {
    post: (notice) => channel.postMessage(notice),
    close: () => channel.close(),
  }
}
