import type { Celery } from '../app/app.ts'
import type { TaskRequest } from '../app/context.ts'
import { WorkerLostError } from '../app/exceptions.ts'
import type { Backend } from '../backend/backend.ts'
import { messageOf } from '../errors.ts'
import type { Dispatcher } from '../events/dispatcher.ts'
import type { Logger } from '../log.ts'
import type { Job, Pool } from '../pool/pool.ts'
import { describeTask } from '../protocol/event.ts'
import { toExceptionInfo } from '../protocol/exception.ts'
import { resultMeta } from '../protocol/result-meta.ts'
import { states } from '../protocol/states.ts'
import type { TaskMessage } from '../protocol/task-message.ts'
import { describeFailure } from '../trace/failure.ts'
import { failOnBehalf } from '../trace/trace.ts'
import type { Delivery } from '../transport/transport.ts'
import { report, type Told } from './report.ts'
import { isExpired, NotRegistered } from './strategy.ts'

/** Where a worker notes what it has in hand. */
export interface Ledger {
  receive(request: Request): void
  begin(request: Request): void
  finish(request: Request): void
  isRevoked(id: string): boolean
}

/** What a request needs of its worker. */
export interface RequestContext {
  readonly app: Celery
  readonly hostname: string
  readonly pool: Pool
  readonly backend: Backend
  readonly state: Ledger
  readonly events: Dispatcher
  /** Task events are sent only while someone wants them (`-E`, enable_events). */
  readonly sendsTaskEvents: () => boolean
  readonly log: Logger
}

/** The life of one message in a worker: received, perhaps held, run, acknowledged; told to logs and monitors. */
export class Request {
  readonly message: TaskMessage
  readonly delivery: Delivery
  readonly #context: RequestContext
  /** Epoch milliseconds; undefined until it runs. */
  startedAt: number | undefined
  /** The process that runs it. */
  pid: number | undefined
  isAcknowledged = false

  constructor(message: TaskMessage, delivery: Delivery, context: RequestContext) {
    this.message = message
    this.delivery = delivery
    this.#context = context
  }

  /** `arithmetics.add[1c9705a0-…]`. */
  get label(): string {
    return `${this.message.shadow ?? this.message.task}[${this.message.id}]`
  }

  receive(): void {
    const { state, log } = this.#context
    state.receive(this)
    this.#tell('task-received', describeTask(this.message))
    const eta = this.message.eta ? `  ETA:[${this.message.eta.toISOString()}]` : ''
    const expires = this.message.expires ? `  expires:[${this.message.expires.toISOString()}]` : ''
    log.info(`Task ${this.label} received${eta}${expires}`, this.#fields())
  }

  /** Runs the task when the pool has a place for it. */
  async run(): Promise<void> {
    const { pool, state } = this.#context
    const outcome = await pool.run(this.#taskRequest(), {
      isWanted: () => this.obsolete() === undefined,
      onStart: (job) => this.#begin(job),
    })
    if (this.startedAt === undefined) return this.#turnBack()
    const told = outcome.state === 'TERMINATED' ? await this.#failLost(outcome.how) : outcome
    this.#report(told)
    if (told.state === 'REJECTED') await this.delivery.reject({ requeue: told.requeue })
    else await this.#ack()
    state.finish(this)
  }

  #begin({ pid }: Job): void {
    const { app, state } = this.#context
    const isLate = app.tasks.get(this.message.task)?.options.acksLate ?? app.conf.taskAcksLate
    this.startedAt = app.clock.now()
    this.pid = pid
    state.begin(this)
    this.#tell('task-started')
    if (!isLate) void this.#ack()
  }

  /** It waited for a place in vain: nobody wants it any more, or the worker stops and another shall have it. */
  async #turnBack(): Promise<void> {
    const reason = this.obsolete()
    if (reason) return this.discard(reason)
    await this.delivery.reject({ requeue: true })
    this.#context.state.finish(this)
  }

  #failLost(how: string): Promise<Told> {
    const { app, backend, log, events } = this.#context
    const environment = { app, backend, log, sendEvent: events.send }
    return failOnBehalf(this.#taskRequest(), new WorkerLostError(how), environment)
  }

  /** Before it would begin: has its time passed, or does nobody want it any more? */
  obsolete(): 'revoked' | 'expired' | undefined {
    if (this.#context.state.isRevoked(this.message.id)) return 'revoked'
    return isExpired(this.message, this.#context.app.clock.now()) ? 'expired' : undefined
  }

  async discard(reason: 'revoked' | 'expired'): Promise<void> {
    const { log, state } = this.#context
    log.info(`Discarding revoked task: ${this.label}`, this.#fields())
    await this.#storeError(states.REVOKED, { name: 'TaskRevokedError', module: 'celery.exceptions', message: reason })
    this.#tell('task-revoked', { terminated: false, signum: null, expired: reason === 'expired' })
    await this.#ack()
    state.finish(this)
  }

  async #ack(): Promise<void> {
    this.isAcknowledged = true
    await this.delivery.ack()
  }

  #taskRequest(): TaskRequest {
    return { ...this.message, hostname: this.#context.hostname, deliveryInfo: this.delivery.info }
  }

  async #storeError(status: string, error: { name: string; module: string; message: string }): Promise<void> {
    if (this.message.ignoreResult) return
    const result = { exc_type: error.name, exc_message: [error.message], exc_module: error.module }
    const meta = resultMeta({ task_id: this.message.id, status, result }, this.#context.app.clock.now())
    await this.#context.backend.store(meta, this.message).catch((cause) => {
      this.#context.log.critical(`the state ${status} of ${this.message.id} could not be stored: ${messageOf(cause)}`)
    })
  }

  #report(outcome: Told): void {
    const { level, text, traceback, event } = report(this.label, outcome)
    if (event) this.#tell(...event)
    this.#context.log[level](text, { ...this.#fields(), ...(traceback && { traceback }) })
  }

  #tell(type: string, fields: Record<string, unknown> = {}): void {
    if (this.#context.sendsTaskEvents()) this.#context.events.send(type, { uuid: this.message.id, ...fields })
  }

  #fields(): Record<string, unknown> {
    return { taskId: this.message.id, taskName: this.message.task }
  }
}

/** Turns away a message that cannot be run, so that its caller, if there is one, learns of it. */
export async function refuse(
  delivery: Delivery,
  id: string | undefined,
  error: Error,
  { app, backend, events, sendsTaskEvents, log }: RequestContext,
): Promise<void> {
  const info = toExceptionInfo(error, 'celery.exceptions')
  log.error(describeRefusal(error), { headers: delivery.message.headers })
  if (id) {
    const meta = resultMeta({ task_id: id, status: states.FAILURE, result: info }, app.clock.now())
    const { replyTo = null, correlationId = id } = delivery.message.properties
    await backend.store(meta, { replyTo, correlationId }).catch(() => {})
    const exception = describeFailure({ info, traceback: '' })
    if (sendsTaskEvents()) events.send('task-failed', { uuid: id, exception })
  }
  await delivery.reject({ requeue: false })
}

function describeRefusal(error: Error): string {
  if (!(error instanceof NotRegistered)) return `Received and discarded message: ${error.name}: ${messageOf(error)}`
  return (
    `Received unregistered task of type '${error.message}'. The message was discarded, its caller gets NotRegistered.\n` +
    'Did you remember to import the module containing this task? (setting `include`)'
  )
}
