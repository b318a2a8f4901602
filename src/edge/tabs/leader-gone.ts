/** The leader has gone: the call is made again, to the next one. */
export class LeaderGone extends Error {
  override readonly name = 'LeaderGone'
}
