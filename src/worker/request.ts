import { constants } from 'node:os'
import type { Celery } from '../app/app.ts'
import type { TaskRequest } from '../app/context.ts'
import { TaskRevokedError } from '../app/exceptions.ts'
import type { Backend } from '../backend/backend.ts'
import type { Timer } from '../clock.ts'
import { messageOf } from '../errors.ts'
import type { Dispatcher } from '../events/dispatcher.ts'
import type { Logger } from '../log.ts'
import type { Job, Pool } from '../pool/pool.ts'
import { defaultExchange } from '../protocol/entity.ts'
import { describeTask } from '../protocol/event.ts'
import type { TaskMessage } from '../protocol/task-message.ts'
import type { TraceEnvironment } from '../trace/environment.ts'
import { failOnBehalf, revokeOnBehalf } from '../trace/on-behalf.ts'
import type { Delivery } from '../transport/transport.ts'
import { type AckRules, ackRules, endingOf, type Intervention, redelivery, settlement } from './ending.ts'
import { report, type Told } from './report.ts'
import { isExpired } from './strategy.ts'
import { type TimeLimits, watchLimits } from './time-limit.ts'

/** Where a worker notes what it has in hand. */
export interface Ledger {
  receive(request: Request): void
  begin(request: Request): void
  finish(request: Request): void
  isRevoked(message: TaskMessage): boolean
  /** The request that has this very message in hand. */
  inHand(message: TaskMessage): Request | undefined
}

/** What a request needs of its worker. */
export interface RequestContext {
  readonly app: Celery
  readonly hostname: string
  readonly pool: Pool
  readonly backend: Backend
  readonly state: Ledger
  readonly limits: TimeLimits
  readonly events: Dispatcher
  /** Task events are sent only while someone wants them (`-E`, enable_events). */
  readonly sendsTaskEvents: () => boolean
  readonly log: Logger
}

/** Why a task that has not begun does not begin. */
type Obsolescence = 'revoked' | 'expired' | 'lost'

interface Revocation {
  readonly terminated: boolean
  readonly signum: number | null
  readonly expired: boolean
}

/** The life of one message in a worker: received, perhaps held, run, acknowledged; told to logs and monitors. */
export class Request {
  readonly message: TaskMessage
  #delivery: Delivery
  readonly #context: RequestContext
  /** Epoch milliseconds; undefined until it runs. */
  startedAt: number | undefined
  isAcknowledged = false
  /** The message is somebody else's now: in its queue again, or put aside. */
  #isGone = false
  #job: Job | undefined
  #limits: Timer | undefined
  #intervention: Intervention | undefined

  constructor(message: TaskMessage, delivery: Delivery, context: RequestContext) {
    this.message = message
    this.#delivery = delivery
    this.#context = context
  }

  get delivery(): Delivery {
    return this.#delivery
  }

  /**
   * The broker took the message back, its connection being lost for example, and delivers it again while this request
   * has it in hand: the copy takes the place of the delivery. False when it is no longer in hand.
   */
  async adopt(copy: Delivery): Promise<boolean> {
    if (this.#isGone) return false
    const lost = this.#delivery
    this.#delivery = copy
    await lost.ack()
    if (this.isAcknowledged) await copy.ack()
    return true
  }

  /** `arithmetics.add[1c9705a0-…]`. */
  get label(): string {
    return `${this.message.shadow ?? this.message.task}[${this.message.id}]`
  }

  /** The process that runs it. */
  get pid(): number | undefined {
    return this.#job?.pid
  }

  async receive(): Promise<void> {
    const { app, state, log } = this.#context
    state.receive(this)
    this.#tell('task-received', describeTask(this.message))
    const eta = this.message.eta ? `  ETA:[${this.message.eta.toISOString()}]` : ''
    const expires = this.message.expires ? `  expires:[${this.message.expires.toISOString()}]` : ''
    log.info(`Task ${this.label} received${eta}${expires}`, this.#fields())
    await app.signals.taskReceived.send(this.message.task, { request: this.message }, log)
  }

  /** Runs the task when the pool has a place for it. */
  async run(): Promise<void> {
    const { pool, state } = this.#context
    const outcome = await pool.run(this.#taskRequest(), {
      isWanted: () => this.obsolete() === undefined,
      onStart: (job) => this.#begin(job),
    })
    this.#limits?.cancel()
    try {
      if (this.startedAt === undefined) await this.#turnBack()
      else if (outcome.state === 'TERMINATED') await this.#endTerminated(outcome.how)
      else await this.#settle(outcome)
    } finally {
      state.finish(this)
    }
  }

  #begin(job: Job): void {
    const { app, state, limits } = this.#context
    this.startedAt = app.clock.now()
    this.#job = job
    state.begin(this)
    this.#tell('task-started')
    this.#limits = watchLimits(limits.of(this.message), app.clock, {
      soft: (seconds) => this.#onSoftLimit(seconds, job),
      hard: (seconds) => this.#onHardLimit(seconds, job),
    })
    if (!this.#rules().acksLate) void this.#ack()
  }

  /** Ends the task that runs, as it was revoked. One that still waits is discarded when it would begin. */
  terminate(signal: NodeJS.Signals): void {
    const { pool, log } = this.#context
    log.info(`Terminating ${this.message.id} (Signals.${signal})`, this.#fields())
    // As Celery has it, this signal stands for the soft time limit; Node would start its debugger.
    if (signal === 'SIGUSR1') this.#job?.abort('soft-time-limit')
    else {
      this.#intervention = { because: 'revoked', signum: constants.signals[signal] }
      if (!pool.canTerminate) log.warning(`The pool '${pool.name}' can only ask ${this.label} to end`, this.#fields())
      this.#job?.abort('terminated')
      this.#job?.terminate(signal)
    }
  }

  /** To be called when the pool is about to end all that runs, so that the task's end is taken for what it is. */
  cancel(): void {
    this.#intervention = { because: 'shutdown' }
  }

  #onSoftLimit(seconds: number, job: Job): void {
    this.#context.log.warning(`Soft time limit (${seconds}s) exceeded for ${this.label}`, this.#fields())
    job.abort('soft-time-limit')
  }

  #onHardLimit(seconds: number, job: Job): void {
    this.#context.log.error(`Hard time limit (${seconds}s) exceeded for ${this.label}`, this.#fields())
    this.#intervention = { because: 'time-limit', seconds }
    job.terminate('SIGKILL')
  }

  /** The task has told its end. */
  async #settle(outcome: Told): Promise<void> {
    this.#report(outcome)
    const settle = settlement(outcome, this.#rules())
    if (settle === 'ack') await this.#ack()
    else await this.#reject({ requeue: settle === 'requeue' })
  }

  /** The task was ended before it could tell. */
  async #endTerminated(how: string): Promise<void> {
    const ending = endingOf(how, this.#intervention, this.#rules(), this.delivery.message)
    switch (ending.do) {
      case 'fail':
        return this.#settle(await this.#fail(ending.error))
      case 'bury':
        this.#report(await this.#fail(ending.error))
        this.#isGone = true
        return this.delivery.deadLetter(messageOf(ending.error))
      case 'redeliver':
        return this.#redeliver(how, ending.deliveries)
      case 'revoke':
        return this.#revoke('terminated', { terminated: true, signum: ending.signum, expired: false })
      case 'giveBack':
        this.#tell('task-cancelled')
        return this.#reject({ requeue: true })
    }
  }

  #fail(error: Error): Promise<Told> {
    return failOnBehalf(this.#taskRequest(), error, environmentOf(this.#context))
  }

  // A broker counts no deliveries of a message that is given back, so a counted copy takes its place.
  async #redeliver(how: string, deliveries: number): Promise<void> {
    const { app, log } = this.#context
    const { message, queue } = this.delivery
    log.error(`Task ${this.label} lost its child (${how}) and is delivered again: ${deliveries}`, this.#fields())
    this.#tell('task-rejected', { requeue: true })
    this.#isGone = true
    const transport = await app.transport()
    await transport.publish(redelivery(message, deliveries), defaultExchange, queue)
    await this.#ack()
  }

  #rules(): AckRules {
    const { app } = this.#context
    return ackRules(app.tasks.get(this.message.task)?.options ?? {}, app.conf)
  }

  /** It waited for a place in vain: nobody wants it any more, or the worker stops and another shall have it. */
  async #turnBack(): Promise<void> {
    const reason = this.obsolete()
    if (reason) await this.#letGo(reason)
    else await this.#reject({ requeue: true })
  }

  /** Before it would begin: has its time passed, does nobody want it any more, or is it no longer ours? */
  obsolete(): Obsolescence | undefined {
    if (this.delivery.isLost) return 'lost'
    if (this.#context.state.isRevoked(this.message)) return 'revoked'
    return isExpired(this.message, this.#context.app.clock.now()) ? 'expired' : undefined
  }

  /** Its end without a beginning. */
  async discard(reason: Obsolescence): Promise<void> {
    try {
      await this.#letGo(reason)
    } finally {
      this.#context.state.finish(this)
    }
  }

  async #letGo(reason: Obsolescence): Promise<void> {
    const { log } = this.#context
    if (reason === 'lost') {
      this.#isGone = true
      log.info(`Letting go of ${this.label}: the broker took it back with the lost connection`, this.#fields())
    } else {
      log.info(`Discarding revoked task: ${this.label}`, this.#fields())
      await this.#revoke(reason, { terminated: false, signum: null, expired: reason === 'expired' })
    }
  }

  async #revoke(message: string, how: Revocation): Promise<void> {
    const { app, log } = this.#context
    await revokeOnBehalf(this.#taskRequest(), new TaskRevokedError(message), environmentOf(this.#context))
    this.#tell('task-revoked', { ...how })
    await app.signals.taskRevoked.send(this.message.task, { request: this.message, ...how }, log)
    await this.#ack()
  }

  async #ack(): Promise<void> {
    this.isAcknowledged = true
    await this.delivery.ack()
  }

  async #reject(options: { requeue: boolean }): Promise<void> {
    this.#isGone = true
    await this.delivery.reject(options)
  }

  #taskRequest(): TaskRequest {
    return { ...this.message, hostname: this.#context.hostname, deliveryInfo: this.delivery.info }
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

/** What a task needs that is ended by its worker. */
export const environmentOf = ({ app, backend, log, events }: RequestContext): TraceEnvironment => ({
  app,
  backend,
  log,
  sendEvent: events.send,
})
