import type { Manifest } from '../../contracts/manifest.ts'
import { startAwakeTimer } from '../../utils/awake-timer.ts'
import type { EdgeEngine, EdgeEvents, ReadFiles } from '../edge-types.ts'
import { type LeadingTab, leadTabs } from './lead-tabs.ts'
import { LeaderGone } from './leader-gone.ts'
import { type Locks, standForElection } from './leadership.ts'
import { holdLifeLock } from './life-lock.ts'
import { openRemoteEdge } from './remote-edge.ts'
import { openTabNotices } from './tab-notices.ts'

/** A tab that neither leads nor has found a leader after this time seizes the lead. */
const findLeaderWithinMs = 1_200
const restMs = 200

/** This tab's place among the tabs of a name: it leads, it follows the one that leads, or it looks for one. */
export interface TabGroup {
  /** The engine that runs for this tab: its own, or the leader's; undefined while it looks for a leader. */
  readonly engine: EdgeEngine | undefined
  /** Leaves the group, which another tab leads from now on, and closes the engine. */
  close(): void
}

/** @param options.onEngine an engine runs for this tab from now on */
export function joinTabGroup(options: {
  readonly name: string
  readonly locks: Locks
  readonly createOwn: (events: EdgeEvents) => EdgeEngine
  readonly events: EdgeEvents
  readonly readFiles: (manifest: Manifest) => ReturnType<ReadFiles>
  readonly onEngine: (engine: EdgeEngine) => void
  /** This tab waits for answers: its former engine is kept until it has them. */
  readonly isBusy: () => boolean
}): TabGroup {
  const { name, locks, createOwn, events, readFiles, onEngine, isBusy } = options
  const tab = crypto.randomUUID()
  const lifeLockOf = (member: string) => `${name}/${member}`
  let leading: LeadingTab | undefined
  let following: { readonly leader: string; readonly engine: EdgeEngine } | undefined
  let stopSearch = () => {}

  const search = () => {
    stopSearch()
    stopSearch = startAwakeTimer(findLeaderWithinMs, () => leadership.seize())
    notices.post({ kind: 'who' })
  }

  const unfollow = () => {
    following?.engine.close()
    following = undefined
  }
  const join = (leader: string) => {
    if (leading === undefined && following?.leader !== leader) notices.post({ kind: 'join', leader, tab })
  }
  const follow = (leader: string) => {
    if (leading !== undefined || following?.leader === leader) return
    stopSearch()
    unfollow()
    const engine = openRemoteEdge({
      channelName: `${name}/${leader}/${tab}`,
      events,
      readFiles,
      onSilence: () => leadership.seize(),
    })
    following = { leader, engine }
    onEngine(engine)
  }

  const lead = () => {
    stopSearch()
    unfollow()
    const channelTo = (follower: string) => `${name}/${tab}/${follower}`
    leading = leadTabs({ createOwn, events, locks, channelTo, lifeLockOf })
    notices.post({ kind: 'leader', leader: tab })
    onEngine(leading.engine)
    // Models that the former leader had loaded are not loaded in this engine.
    events.onGone?.()
  }
  const serve = (follower: string) => {
    if (leading === undefined) return
    leading.serve(follower)
    // Only now does this tab hear the other one.
    notices.post({ kind: 'joined', leader: tab, tab: follower })
  }
  const stepDown = () => {
    const former = leading
    leading = undefined
    former?.dismiss(new LeaderGone('another tab leads'))
    events.onGone?.()
    search()
    // Calls that this tab itself had under way are answered before its worker ends.
    const rest = setInterval(() => {
      if (isBusy()) return
      clearInterval(rest)
      former?.engine.close()
    }, restMs)
  }

  const notices = openTabNotices(name, (notice) => {
    if (notice.kind === 'who' && leading !== undefined) notices.post({ kind: 'leader', leader: tab })
    if (notice.kind === 'leader') join(notice.leader)
    if (notice.kind === 'join' && notice.leader === tab) serve(notice.tab)
    if (notice.kind === 'joined' && notice.tab === tab) follow(notice.leader)
  })
  const letLifeLockGo = holdLifeLock(locks, lifeLockOf(tab))
  const leadership = standForElection(locks, name, { onLead: lead, onDeposed: stepDown })
  search()

  return {
    get engine() {
      return leading?.engine ?? following?.engine
    },
    close() {
      stopSearch()
      // The service ends before the engine does, so that calls of other tabs go on at the next leader instead of failing.
      leading?.dismiss(new LeaderGone('the tab was closed'))
      leadership.leave()
      letLifeLockGo()
      notices.close()
      unfollow()
      leading?.engine.close()
    },
  }
}
