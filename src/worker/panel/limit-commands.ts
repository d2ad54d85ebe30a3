import { parseRate } from '../../app/rate.ts'
import { messageOf } from '../../errors.ts'
import { repr } from '../../protocol/repr.ts'
import { type Commands, named, numberOr, type PanelTarget } from './target.ts'

/** How often tasks may begin, and how long they may take. */
export const limitCommands: Commands = {
  rate_limit: {
    kind: 'control',
    help: 'limit how often a task begins',
    args: [
      ['task_name', 'text'],
      ['rate_limit', 'text'],
    ],
    signature: '<task_name> <rate_limit (e.g., 5/s | 5/m | 5/h)>',
    run: (worker, args) => setRateLimit(worker, named(args, 'task_name'), args.rate_limit),
  },
  time_limit: {
    kind: 'control',
    help: 'limit how long a task takes, in seconds',
    args: [
      ['task_name', 'text'],
      ['soft', 'float'],
      ['hard', 'float'],
    ],
    signature: '<task_name> <soft_secs> [hard_secs]',
    run: (worker, args) => setTimeLimits(worker, named(args, 'task_name'), args),
  },
}

function setRateLimit({ app, log, changeRate }: PanelTarget, task: string, given: unknown): object {
  const rate = typeof given === 'number' ? given : String(given ?? 0)
  const error = refusal(rate)
  if (error) return { error: `Invalid rate limit string: ${error}` }
  if (!app.tasks.get(task)) return unknownTask(log, 'Rate limit', task)
  changeRate(task, rate)
  const isLimited = parseRate(rate) > 0
  log.info(
    isLimited ? `New rate limit for tasks of type ${task}: ${rate}.` : `Rate limits disabled for tasks of type ${task}`,
  )
  return { ok: isLimited ? 'new rate limit set successfully' : 'rate limit disabled successfully' }
}

function refusal(rate: string | number): string | undefined {
  try {
    parseRate(rate)
    return undefined
  } catch (error) {
    return `ValueError(${repr(messageOf(error))})`
  }
}

function setTimeLimits(
  { app, log, limits }: PanelTarget,
  task: string,
  given: Readonly<Record<string, unknown>>,
): object {
  if (!app.tasks.get(task)) return unknownTask(log, 'Change time limit', task)
  const [soft, hard] = [numberOr(given.soft, undefined), numberOr(given.hard, undefined)]
  limits.change(task, { soft, hard })
  log.info(`New time limits for tasks of type ${task}: soft=${repr(soft)} hard=${repr(hard)}`)
  return { ok: 'time limits set successfully' }
}

function unknownTask(log: PanelTarget['log'], what: string, task: string): object {
  log.error(`${what} attempt for unknown task ${task}`)
  return { error: 'unknown task' }
}
