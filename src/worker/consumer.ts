import type { Celery } from '../app/app.ts'
import { messageOf } from '../errors.ts'
import type { Queue } from '../protocol/entity.ts'
import type { TaskMessage } from '../protocol/task-message.ts'
import type { Consumer as Consumption, Delivery, Transport } from '../transport/transport.ts'
import { Held, type HeldRequest } from './held.ts'
import { RateLimits } from './rate-limit.ts'
import { refuse } from './refusal.ts'
import { Request, type RequestContext } from './request.ts'
import { decide, identityOf } from './strategy.ts'

interface ConsumerOptions {
  queues: readonly Queue[]
  /** Messages reserved ahead; 0 for no limit. */
  prefetch: () => number
}

/** Takes task messages from the queues and starts what becomes of each. */
export class Consumer {
  readonly #context: RequestContext
  readonly #options: ConsumerOptions
  /** Until their ETA. */
  readonly #scheduled: Held
  /** Until the rate of their task admits another. */
  readonly #limited: Held
  readonly #rateLimits: RateLimits
  readonly #inFlight = new Set<Promise<void>>()
  #queues: readonly Queue[]
  #transport: Transport | undefined
  #consumption: Consumption | undefined

  constructor(context: RequestContext, options: ConsumerOptions) {
    this.#context = context
    this.#options = options
    this.#queues = options.queues
    this.#scheduled = new Held(context.app.clock)
    this.#limited = new Held(context.app.clock)
    this.#rateLimits = new RateLimits((task) => declaredRate(context.app, task))
  }

  get queues(): readonly Queue[] {
    return this.#queues
  }

  /** What waits for its time, soonest first. */
  get scheduled(): readonly HeldRequest[] {
    return this.#scheduled.list()
  }

  async start(transport: Transport): Promise<void> {
    this.#transport = transport
    await this.serve(this.#queues)
  }

  /** Takes from these queues from now on, and from no others; what was delivered stays in hand. */
  async serve(queues: readonly Queue[]): Promise<void> {
    const { prefetch } = this.#options
    const transport = this.#transport
    const last = this.#consumption
    if (!transport) return
    const onDelivery = (delivery: Delivery) => this.#onDelivery(delivery)
    const room = { prefetch: prefetch() === 0 ? 0 : prefetch() + this.#scheduled.size }
    this.#consumption = queues.length > 0 ? await transport.consume(queues, onDelivery, room) : undefined
    this.#queues = queues
    await last?.cancel()
  }

  /** Takes nothing more, lets go of what waits for its time or a place, and finishes what was begun. */
  async stop(): Promise<void> {
    await this.#consumption?.cancel()
    this.#scheduled.clear()
    this.#limited.clear()
    await this.#context.pool.stop()
    while (this.#inFlight.size > 0) await Promise.allSettled(this.#inFlight)
  }

  #onDelivery(delivery: Delivery): void {
    this.#track(delivery, this.#handle(delivery))
  }

  #track(delivery: Delivery, handling: Promise<void>): void {
    const tracked = handling
      .catch((error) => this.#giveUp(delivery, error))
      .finally(() => this.#inFlight.delete(tracked))
    this.#inFlight.add(tracked)
  }

  // Nothing that a message provokes stops the worker or keeps its place; the message itself is not lost.
  async #giveUp(delivery: Delivery, error: unknown): Promise<void> {
    const { app, log } = this.#context
    log.critical(`a message could not be handled: ${messageOf(error)}`, { error })
    const { message } = delivery
    const { id: taskId, task } = identityOf(message)
    await app.signals.taskInternalError.send(task ?? '', { message, taskId, exception: error }, log)
    await delivery.deadLetter(messageOf(error)).catch((failure) => {
      log.critical(`nor could it be put aside, so it stays with the broker: ${messageOf(failure)}`)
    })
  }

  async #handle(delivery: Delivery): Promise<void> {
    const { app, state } = this.#context
    const decision = decide(delivery, {
      now: app.clock.now(),
      accept: app.conf.acceptContent,
      isRegistered: (task) => app.tasks.get(task) !== undefined,
      isRevoked: (message) => state.isRevoked(message),
    })
    if (decision.do === 'refuse') return refuse(delivery, decision, this.#context)
    const original = this.#originalOf(decision.message, delivery)
    if (original && (await original.adopt(delivery))) return
    const request = new Request(decision.message, delivery, this.#context)
    await request.receive()
    if (decision.do === 'discard') return request.discard(decision.reason)
    if (decision.do === 'hold') return this.#hold(request, decision.untilMs)
    return this.#begin(request)
  }

  // A message that is delivered again while it waits or runs here is the same task, which must not run twice.
  #originalOf(message: TaskMessage, { info }: Delivery): Request | undefined {
    return info.redelivered ? this.#context.state.inHand(message) : undefined
  }

  // A held message takes a place of the prefetch window, so the window grows by one while it is held.
  #hold(request: Request, untilMs: number): void {
    this.#scheduled.hold(request, untilMs, () => {
      this.resize()
      this.#track(request.delivery, this.#begin(request))
    })
    this.resize()
  }

  /** Its time has come, unless its task may not run so often. */
  async #begin(request: Request): Promise<void> {
    const now = this.#context.app.clock.now()
    const at = this.#rateLimits.book(request.message.task, now)
    if (at > now) this.#limited.hold(request, at, () => this.#track(request.delivery, this.#runOrDiscard(request)))
    else await this.#runOrDiscard(request)
  }

  /** Sets another rate of a task; those that the last one holds back ask again, in their order. */
  changeRate(task: string, rate: string | number): void {
    this.#rateLimits.change(task, rate)
    const held = this.#limited.list().filter(({ request }) => request.message.task === task)
    for (const { request } of held) this.#limited.release(request)
    for (const { request } of held) this.#track(request.delivery, this.#begin(request))
  }

  async #runOrDiscard(request: Request): Promise<void> {
    const reason = request.obsolete()
    return reason ? request.discard(reason) : request.run()
  }

  /** To be called when what it reserves ahead has changed. */
  resize(): void {
    const prefetch = this.#options.prefetch()
    if (prefetch > 0) this.#consumption?.setPrefetch(prefetch + this.#scheduled.size).catch(() => {})
  }
}

function declaredRate({ conf, tasks }: Celery, task: string): string | number | null {
  if (conf.workerDisableRateLimits) return null
  return tasks.get(task)?.options.rateLimit ?? conf.taskDefaultRateLimit
}
