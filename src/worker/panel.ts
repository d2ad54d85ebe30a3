import { constants } from 'node:os'
import type { Celery } from '../app/app.ts'
import { bugReport } from '../app/bug-report.ts'
import { settingsForPeople } from '../app/config/humanize.ts'
import { parseRate } from '../app/rate.ts'
import type { ControlHandler } from '../control/mailbox.ts'
import { messageOf } from '../errors.ts'
import type { Logger } from '../log.ts'
import type { Queue } from '../protocol/entity.ts'
import type { LamportClock } from '../protocol/lamport.ts'
import { version } from '../version.ts'
import type { EtaSchedule } from './eta.ts'
import type { Heartbeat } from './heartbeat.ts'
import { type PoolPanelTarget, poolPanel } from './pool-panel.ts'
import type { RateLimits } from './rate-limit.ts'
import type { Request } from './request.ts'
import type { WorkerState } from './state.ts'
import type { TimeLimits } from './time-limit.ts'

/** What remote control can reach in a worker. */
export interface PanelTarget extends PoolPanelTarget {
  readonly app: Celery
  readonly log: Logger
  readonly hostname: string
  readonly state: WorkerState
  readonly eta: EtaSchedule
  readonly rateLimits: RateLimits
  readonly limits: TimeLimits
  readonly heartbeat: Heartbeat
  readonly queues: readonly Queue[]
  readonly clock: LamportClock
  readonly prefetch: () => number
  readonly startedAt: number
  setTaskEvents(enabled: boolean): boolean
  shutdown(): void
}

/** Celery's remote-control commands, by name: what each does and replies. */
export function panel(worker: PanelTarget): Record<string, ControlHandler> {
  const { state, clock } = worker
  return {
    ping: () => ({ ok: 'pong' }),
    clock: () => ({ clock: clock.value }),
    hello: ({ from_node: from }) => (from === worker.hostname ? undefined : { revoked: {}, clock: clock.forward() }),
    active: () => [...state.active].map((request) => describe(request, worker)),
    reserved: () => [...state.reserved].filter((r) => !state.active.has(r)).map((request) => describe(request, worker)),
    scheduled: () =>
      worker.eta.list().map(({ request, untilMs }) => ({
        eta: new Date(untilMs).toISOString(),
        priority: 6,
        request: describe(request, worker),
      })),
    revoked: () => [...state.revoked],
    registered: () => worker.app.tasks.names(),
    active_queues: () => worker.queues.map(describeQueue),
    stats: () => stats(worker),
    conf: ({ with_defaults: withDefaults }) =>
      settingsForPeople(worker.app.conf, { withDefaults: withDefaults === true }),
    report: () => ({ ok: bugReport(worker.app) }),
    heartbeat: () => {
      worker.heartbeat.beat()
      return null
    },
    revoke: ({ task_id: ids, terminate: isForced, signal }) => revoke(worker, textsOf(ids), isForced === true, signal),
    terminate: ({ task_id: ids, signal }) => revoke(worker, textsOf(ids), true, signal),
    rate_limit: ({ task_name: task, rate_limit: rate }) => setRateLimit(worker, String(task), rate),
    ...poolPanel(worker),
    time_limit: ({ task_name: task, soft, hard }) => setTimeLimits(worker, String(task), { soft, hard }),
    enable_events: () => ({ ok: worker.setTaskEvents(true) ? 'task events enabled' : 'task events already enabled' }),
    disable_events: () => ({
      ok: worker.setTaskEvents(false) ? 'task events disabled' : 'task events already disabled',
    }),
    shutdown: () => {
      worker.shutdown()
      return undefined
    },
  }
}

function setRateLimit({ app, rateLimits }: PanelTarget, task: string, rate: unknown): object {
  if (!app.tasks.get(task)) return { error: 'unknown task' }
  try {
    rateLimits.change(task, typeof rate === 'number' ? rate : String(rate))
  } catch (error) {
    return { error: `Invalid rate limit string: ${messageOf(error)}` }
  }
  return { ok: parseRate(String(rate)) ? 'new rate limit set successfully' : 'rate limit disabled successfully' }
}

const textsOf = (given: unknown): string[] => (Array.isArray(given) ? given.map(String) : [String(given)])

function revoke({ log, state }: PanelTarget, ids: readonly string[], isForced: boolean, signal: unknown): object {
  state.revoked.add(ids)
  if (!isForced) {
    log.info(`Tasks flagged as revoked: ${ids.join(', ')}`)
    return { ok: `tasks ${ids.join(', ')} flagged as revoked` }
  }
  const name = signalName(signal ?? 'SIGTERM')
  const found = [...state.reserved].filter(({ message }) => ids.includes(message.id))
  for (const request of found) request.terminate(name)
  return {
    ok: found.length ? `terminate: ${found.map(({ message }) => message.id).join(', ')}` : 'terminate: tasks unknown',
  }
}

/** `SIGKILL`, `kill` or 9, as Python takes them. */
function signalName(given: unknown): NodeJS.Signals {
  const text = String(given).toUpperCase()
  const isMeant = ([name, number]: [string, number]) => [name, name.slice(3), String(number)].includes(text)
  const found = Object.entries(constants.signals).find(isMeant)
  if (found) return found[0] as NodeJS.Signals
  throw new Error(`there is no signal ${given}`)
}

function setTimeLimits({ app, limits }: PanelTarget, task: string, given: Record<'soft' | 'hard', unknown>): object {
  if (!app.tasks.get(task)) return { error: 'unknown task' }
  const seconds = (value: unknown) => (value === null || value === undefined ? undefined : Number(value))
  limits.change(task, { soft: seconds(given.soft), hard: seconds(given.hard) })
  return { ok: 'time limits set successfully' }
}

function describe({ message, delivery, startedAt, isAcknowledged, pid }: Request, { hostname }: PanelTarget): object {
  const { exchange, routingKey, priority, redelivered } = delivery.info
  return {
    id: message.id,
    name: message.task,
    args: message.args,
    kwargs: message.kwargs,
    type: message.task,
    hostname,
    time_start: startedAt === undefined ? null : startedAt / 1000,
    acknowledged: isAcknowledged,
    delivery_info: { exchange, routing_key: routingKey, priority, redelivered },
    worker_pid: pid ?? null,
  }
}

function describeQueue(queue: Queue): object {
  const exchange = {
    name: queue.exchange.name,
    type: queue.exchange.type,
    arguments: null,
    durable: queue.exchange.durable,
    passive: false,
    auto_delete: false,
    delivery_mode: null,
    no_declare: false,
  }
  return {
    name: queue.name,
    exchange,
    routing_key: queue.routingKey,
    queue_arguments: queue.arguments ?? null,
    binding_arguments: null,
    consumer_arguments: null,
    durable: queue.durable,
    exclusive: queue.exclusive,
    auto_delete: queue.autoDelete,
    no_ack: queue.noAck,
    alias: null,
    bindings: [],
    no_declare: null,
    expires: null,
    message_ttl: null,
    max_length: null,
    max_length_bytes: null,
    max_priority: queue.maxPriority ?? null,
  }
}

function stats({ app, state, clock, startedAt, prefetch, pool, limits, autoscaler }: PanelTarget): object {
  const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage()
  return {
    total: Object.fromEntries(state.total),
    pid: process.pid,
    clock: String(clock.value),
    uptime: Math.round((app.clock.now() - startedAt) / 1000),
    pool: {
      implementation: `celery-sandbox:${pool.name}`,
      'max-concurrency': pool.concurrency,
      timeouts: [limits.defaults.soft ?? 0, limits.defaults.hard ?? 0],
      ...pool.stats(),
    },
    ...(autoscaler && { autoscaler: autoscaler.info() }),
    prefetch_count: prefetch(),
    rusage: { utime: userCPUTime / 1e6, stime: systemCPUTime / 1e6, maxrss: maxRSS },
    sw_ident: 'celery-sandbox',
    sw_ver: version,
  }
}
