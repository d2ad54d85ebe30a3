import type { TaskRequest } from '../app/context.ts'
import type { Clock, Timer } from '../clock.ts'
import { messageOf } from '../errors.ts'
import type { Logger } from '../log.ts'
import { type Outcome, sentAway } from '../trace/outcome.ts'
import type { FromChild } from './child-message.ts'
import type { OpenChild } from './children.ts'
import { Line } from './line.ts'
import { Member } from './member.ts'
import type { Pool, RunOptions } from './pool.ts'

export interface ChildPoolOptions {
  readonly concurrency: number
  /** Where each child finds the app, as `loadApp` takes it. */
  readonly appPath: string
  readonly clock: Clock
  readonly log: Logger
  sendEvent(type: string, fields?: Record<string, unknown>): void
}

/**
 * Runs tasks in children of this process, one at a time in each. A child gets a task only when it is free, so that
 * none waits behind a long one; a child that dies takes its task with it, and another takes its place.
 */
export class ChildPool implements Pool {
  readonly name: 'prefork' | 'threads'
  readonly canTerminate = true
  readonly #open: OpenChild
  readonly #options: ChildPoolOptions
  readonly #members = new Set<Member>()
  readonly #idle = new Set<Member>()
  readonly #line = new Line<Member>()
  readonly #running = new Set<Promise<Outcome>>()
  #isServing = false
  /** Children in a row that ended before they were of use. */
  #failures = 0
  #recovery: Timer | undefined

  constructor(name: 'prefork' | 'threads', open: OpenChild, options: ChildPoolOptions) {
    this.name = name
    this.#open = open
    this.#options = options
  }

  get concurrency(): number {
    return this.#options.concurrency
  }

  /** Starts all children at once. @throws {CeleryError} why one of them cannot load the app */
  async start(): Promise<void> {
    if (this.#members.size > 0) return
    this.#fill()
    try {
      await Promise.all([...this.#members].map((member) => member.ready))
    } catch (error) {
      await this.terminate()
      throw error
    }
    this.#isServing = true
    this.#fill()
  }

  async run(request: TaskRequest, { isWanted = () => true, onStart }: RunOptions = {}): Promise<Outcome> {
    const member = this.#takeIdle() ?? (await this.#line.wait())
    if (!member) return sentAway
    if (!isWanted()) {
      this.#offer(member)
      return sentAway
    }
    const running = member.run(request)
    this.#running.add(running)
    onStart?.(member.job())
    const outcome = await running
    this.#running.delete(running)
    this.#offer(member)
    return outcome
  }

  async stop(): Promise<void> {
    this.#close()
    while (this.#running.size > 0) await Promise.allSettled(this.#running)
    await Promise.all([...this.#members].map((member) => member.leave()))
  }

  async terminate(): Promise<void> {
    this.#close()
    for (const member of this.#members) member.kill('SIGKILL')
    await Promise.all([...this.#members].map((member) => member.exited))
  }

  #close(): void {
    this.#isServing = false
    this.#line.sendAway()
    this.#recovery?.cancel()
  }

  #takeIdle(): Member | undefined {
    for (const member of this.#idle) {
      this.#idle.delete(member)
      return member
    }
    return undefined
  }

  /** Gives a free child to whoever waits for one. */
  #offer(member: Member): void {
    if (!this.#members.has(member) || member.isLeaving) return
    if (!this.#line.give(member)) this.#idle.add(member)
  }

  /** Starts the children that are missing. */
  #fill(): void {
    const staying = [...this.#members].filter((member) => !member.isLeaving)
    for (let missing = this.concurrency - staying.length; missing > 0; missing--) this.#recruit()
  }

  #recruit(): void {
    const { appPath, clock } = this.#options
    const member = new Member(this.#open, {
      appPath,
      clock,
      onExit: (gone) => this.#onExit(gone),
      onNews: (news) => this.#onNews(news),
    })
    this.#members.add(member)
    member.ready.then(
      () => this.#offer(member),
      (error) => this.#isServing && this.#options.log.error(`a child of the pool cannot serve: ${messageOf(error)}`),
    )
  }

  #onExit(member: Member): void {
    this.#members.delete(member)
    this.#idle.delete(member)
    if (!this.#isServing) return
    const wasOfUse = member.tasksBegun > 0 || member.isLeaving
    this.#failures = wasOfUse ? 0 : this.#failures + 1
    if (wasOfUse) this.#fill()
    else this.#fillLater()
  }

  // A child that cannot live is not started again and again without a pause.
  #fillLater(): void {
    this.#recovery?.cancel()
    const delayMs = Math.min(1_000 * this.#failures, 30_000)
    this.#recovery = this.#options.clock.timer(() => this.#fill(), delayMs)
  }

  #onNews(news: FromChild & { is: 'event' | 'log' }): void {
    const { log, sendEvent } = this.#options
    if (news.is === 'event') sendEvent(news.type, news.fields)
    else log[news.record.level](news.record.message, { ...news.record.fields })
  }
}
