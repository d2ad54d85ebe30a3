import { randomUUID } from 'node:crypto'
import type { Backend } from '../backend/backend.ts'
import { repliesToCaller } from '../backend/open.ts'
import type { Call, Canvas } from '../canvas/canvas.ts'
import { compile, type ExpectedChord, unlock } from '../canvas/compile.ts'
import { freeze, resultId, resultOf } from '../canvas/freeze.ts'
import { compose } from '../canvas/message.ts'
import { prepare } from '../canvas/prepare.ts'
import type { Sender } from '../canvas/sender.ts'
import { describe } from '../canvas/text.ts'
import { callsOf, hasChord } from '../canvas/walk.ts'
import type { Clock } from '../clock.ts'
import { CeleryError } from '../errors.ts'
import type { DeliveryInfo } from '../protocol/message.ts'
import { decodeTask, encodeTask, type TaskMessage } from '../protocol/task-message.ts'
import { AsyncResult, PendingResult } from '../result/async-result.ts'
import type { EagerResult } from '../result/eager-result.ts'
import type { Result, ResultSource } from '../result/result.ts'
import { resultFromTuple } from '../result/tuple.ts'
import type { Settings } from './config.ts'
import { currentTask } from './context.ts'
import { evaluate } from './evaluate.ts'
import type { Producer } from './producer.ts'
import type { Registry } from './registry.ts'
import type { Route, RoutedCall } from './router.ts'

/** What sending takes of its app. */
interface SendingApp {
  readonly conf: Settings
  readonly clock: Clock
  readonly oid: string
  readonly tasks: Registry
  readonly results: ResultSource
  backend(): Promise<Backend>
  route(call: RoutedCall): Route
  runHere<R>(message: TaskMessage): Promise<EagerResult<R>>
}

export interface OutboxOptions {
  /** `gen<pid>@<host>`. */
  readonly origin: string
  readonly producer: () => Promise<Producer>
}

interface Letter {
  readonly message: TaskMessage
  readonly route: Route
}

/** Makes messages of signatures and sends them, or runs them in place. */
export class Outbox implements Sender {
  readonly #app: SendingApp
  readonly #options: OutboxOptions
  readonly #leaving = new Set<Promise<void>>()

  constructor(app: SendingApp, options: OutboxOptions) {
    this.#app = app
    this.#options = options
  }

  send<R = unknown, H extends Result<R> = Result<R>>(given: Canvas): PendingResult<R, H> {
    const canvas = this.#definite(given)
    currentTask()?.children.push(resultOf(sentFirst(canvas)))
    if (this.#runsHere(canvas)) return pending(canvas, this.#runInstead(canvas))
    const { chords, calls } = compile(canvas)
    // What cannot be addressed is refused at once, before anything is sent.
    const letters = calls.map((call) => this.#address(call))
    const result = this.#handleOf(canvas, letters)
    const posting = this.#post(letters, hasChord(canvas) ? () => this.#expect(chords, letters) : undefined)
    return pending(
      canvas,
      this.#track(posting).then(() => result),
    )
  }

  check(canvas: Canvas): void {
    for (const { task, args, kwargs } of callsOf(canvas, 'start')) this.#app.tasks.get(task)?.checkCall(args, kwargs)
  }

  /** @throws what a task throws, if `throw` says so; by default the setting taskEagerPropagates */
  async apply<R = unknown, H extends Result<R> = EagerResult<R>>(
    given: Canvas,
    { throw: propagate }: { throw?: boolean } = {},
  ): Promise<H> {
    const run = (call: Call) => this.#app.runHere(this.#address(call).message)
    return this.#evaluate<H>(this.#definite(given), run, propagate)
  }

  async resend(message: TaskMessage, { exchange, routingKey }: DeliveryInfo): Promise<void> {
    const whence = exchange === '' ? { queue: routingKey } : { exchange, routingKey }
    const producer = await this.#options.producer()
    await producer.publish(message, this.#app.route({ ...message, options: whence }))
  }

  /** Resolves when everything that was sent has arrived, or has failed to. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#leaving)
  }

  #definite(given: Canvas): Canvas {
    const canvas = prepare(given)
    if (!canvas) throw new CeleryError('UNSUPPORTED', `${describe(given)} has nothing to run, and so no result`)
    return this.#frozen(canvas)
  }

  #frozen<C extends Canvas>(canvas: C): C {
    return freeze(canvas, { newId: randomUUID, replyTo: this.#app.oid }) as C
  }

  #handleOf(canvas: Canvas, [first]: readonly Letter[]): Result {
    const { results } = this.#app
    const ignored = canvas.kind === 'task' && first?.message.ignoreResult === true
    return ignored ? new AsyncResult(idOf(canvas), results, { ignored }) : resultFromTuple(resultOf(canvas), results)
  }

  #address(call: Call): Letter {
    const { clock, oid } = this.#app
    const route = this.#app.route(call)
    const site = { now: clock.now(), origin: this.#options.origin, oid, parent: currentTask()?.request }
    return { message: compose({ ...call, options: route.options }, site), route }
  }

  async #post(letters: readonly Letter[], expect?: () => Promise<Letter[]>): Promise<void> {
    const after = (await expect?.()) ?? []
    // Results that come as messages find nobody unless somebody listens before the call is made.
    const isAwaited = letters.some(({ message }) => !message.ignoreResult)
    if (isAwaited && repliesToCaller(this.#app.conf.resultBackend)) await (await this.#app.backend()).listen?.()
    const producer = await this.#options.producer()
    const publish = ({ message, route }: Letter) => producer.publish(message, route)
    await Promise.all(letters.map(publish))
    await Promise.all(after.map(publish))
  }

  /**
   * Who counts the ends of chords is told how many there are; where nobody counts, gives the calls of tasks that look
   * after them. Refuses chords that come later, too, while nothing is sent yet.
   */
  async #expect(expected: readonly ExpectedChord[], letters: readonly Letter[]): Promise<Letter[]> {
    const { chords, isShared, url } = await this.#app.backend()
    if (chords) {
      for (const { groupId, size, header } of expected) await chords.expect(groupId, size, header)
      return []
    }
    if (!isShared) {
      const next = 'Keep results where anyone can read them: in redis://…, or in a database.'
      throw new CeleryError('UNSUPPORTED', `no chord with results in ${url}: nobody there sees all of them`, { next })
    }
    const silent = letters.find(({ message }) => message.chord && message.ignoreResult)
    if (silent) {
      const next = 'Let it keep its result, or keep results in redis://….'
      throw new CeleryError('UNSUPPORTED', `${silent.message.task} in a chord ignores its result`, { next })
    }
    return expected.map((chord) => this.#address(this.#frozen(unlock(chord))))
  }

  #track(leaving: Promise<void>): Promise<void> {
    this.#leaving.add(leaving)
    const forget = () => this.#leaving.delete(leaving)
    leaving.then(forget, forget)
    return leaving
  }

  #runsHere(canvas: Canvas): boolean {
    const { conf, tasks } = this.#app
    return conf.taskAlwaysEager && callsOf(canvas, 'everywhere').every(({ task }) => tasks.get(task) !== undefined)
  }

  // What is sent instead of run would be encoded: the task shall see the same arguments.
  #runInstead(canvas: Canvas): Promise<Result> {
    const { clock, conf } = this.#app
    const run = (call: Call) => {
      const { message, route } = this.#address(call)
      const { serializer = conf.taskSerializer } = route.options
      return this.#app.runHere(decodeTask(encodeTask(message, clock.now(), { serializer }), [serializer]))
    }
    return this.#evaluate(canvas, run)
  }

  async #evaluate<H extends Result>(
    canvas: Canvas,
    run: (call: Call) => Promise<EagerResult>,
    propagate = this.#app.conf.taskEagerPropagates,
  ): Promise<H> {
    const result = await evaluate(canvas, run, this.#app.results)
    if (propagate) await result.get()
    return result as H
  }
}

/** What a task is seen to have led to: of a chain its first step, of a chord its header, which lead to the rest. */
function sentFirst(canvas: Canvas): Canvas {
  if (canvas.kind === 'chord') return canvas.header
  return canvas.kind === 'chain' ? (canvas.tasks[0] as Canvas) : canvas
}

const idOf = (frozen: Canvas): string => resultId(frozen) ?? ''

const pending = <R, H extends Result<R>>(frozen: Canvas, sending: Promise<Result>): PendingResult<R, H> =>
  new PendingResult<R, H>(idOf(frozen), sending as Promise<H>)
