import { type SpawnOptions, spawn } from 'node:child_process'
import { constants } from 'node:os'

/** What operators and containers send. SIGUSR1 is Node's own. */
const signals = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR2'] as const

/** The first process of a container, or what stands in for it. */
export interface Init {
  on(signal: NodeJS.Signals, listener: (signal: NodeJS.Signals) => void): unknown
}

/**
 * Runs a program as the child of this process and hands it every signal. For a process that has the number 1, as in a
 * container without an init of its own: there the system drops each signal that has no handler, so a process can't be
 * ended by a second one, nor end itself by one while a native run holds a thread.
 *
 * @returns the exit status for this process: the child's, or 128 and the number of the signal that ended it
 */
export function runAsInit(
  command: readonly [file: string, ...args: string[]],
  { init = process, stdio = 'inherit' }: { readonly init?: Init; readonly stdio?: SpawnOptions['stdio'] } = {},
): Promise<number> {
  const [file, ...args] = command
  return new Promise((resolve, reject) => {
    // In a session of its own: a terminal's Ctrl-C would reach it directly, and once more through this process.
    const child = spawn(file, args, { stdio, detached: true })
    for (const name of signals) init.on(name, (signal) => child.kill(signal))
    child.once('error', reject)
    child.once('exit', (code, signal) => resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal])))
  })
}
