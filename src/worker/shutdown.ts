/** How a worker ends what runs: `warm` lets it finish, `soft` gives it a while, `cold` gives it none. */
export type ShutdownLevel = 'warm' | 'soft' | 'cold'

/**
 * What a signal asks of a worker, as Celery 5.5 has it: each Ctrl-C is harder than the one before, SIGQUIT begins where
 * running tasks are ended, and SIGTERM never asks for more than the end of what runs.
 *
 * @param current the level at which it stops already
 * @param hasSoft whether the setting workerSoftShutdownTimeout puts a soft level before the cold one
 */
export function escalate(
  current: ShutdownLevel | undefined,
  signal: NodeJS.Signals,
  hasSoft: boolean,
): ShutdownLevel | 'hard' {
  const isUrgent = signal === 'SIGINT' || signal === 'SIGQUIT'
  if (!isUrgent) return current ?? 'warm'
  if (current === undefined && signal === 'SIGINT') return 'warm'
  if (current === undefined || current === 'warm') return hasSoft ? 'soft' : 'cold'
  return current === 'soft' ? 'cold' : 'hard'
}
