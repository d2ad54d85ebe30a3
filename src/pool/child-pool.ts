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

/** When a child has served long enough, and another takes its place. */
export interface Recycling {
  readonly maxTasksPerChild: number | null
  /** In KiB, looked at after each task. */
  readonly maxMemoryPerChild: number | null
}

export interface ChildPoolOptions extends Recycling {
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
  #concurrency: number
  #isServing = false
  /** Children in a row that ended before they were of use. */
  #failures = 0
  #recovery: Timer | undefined

  constructor(name: 'prefork' | 'threads', open: OpenChild, options: ChildPoolOptions) {
    this.name = name
    this.#open = open
    this.#options = options
    this.#concurrency = options.concurrency
  }

  get concurrency(): number {
    return this.#concurrency
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
    if (!this.#isServing) return sentAway
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

  resize(concurrency: number): void {
    this.#concurrency = concurrency
    if (this.#isServing) this.#fill()
    for (const member of [...this.#idle].slice(0, this.#surplus())) this.#dismiss(member)
  }

  restart(): void {
    for (const member of this.#members) member.isSpent = true
    for (const member of [...this.#idle]) this.#dismiss(member)
  }

  stats(): Record<string, unknown> {
    const members = [...this.#members]
    const writes = members.map(({ tasksBegun }) => tasksBegun)
    const total = writes.reduce((sum, count) => sum + count, 0)
    const share = (part: number) => (total === 0 ? 0 : part / total).toFixed(2)
    return {
      processes: [...new Set(members.map(({ pid }) => pid))],
      ...(this.name === 'threads' && { threads: members.length }),
      'max-tasks-per-child': this.#options.maxTasksPerChild ?? 'N/A',
      'put-guarded-by-semaphore': false,
      writes: {
        total,
        avg: share(total / Math.max(1, members.length)),
        all: writes.map(share).join(', '),
        raw: writes.join(', '),
        strategy: 'fair',
        inqueues: { total: members.length, active: this.#running.size },
      },
    }
  }

  /** Gives a free child to whoever waits for one, unless its time is over. */
  #offer(member: Member): void {
    if (!this.#members.has(member) || member.isLeaving) return
    if (this.#isServing && (this.#isSpent(member) || this.#surplus() > 0)) this.#dismiss(member)
    else if (!this.#line.give(member)) this.#idle.add(member)
  }

  #isSpent({ isSpent, tasksBegun, memoryKib }: Member): boolean {
    const { maxTasksPerChild, maxMemoryPerChild, log } = this.#options
    if (isSpent || tasksBegun >= (maxTasksPerChild ?? Infinity)) return true
    if (memoryKib <= (maxMemoryPerChild ?? Infinity)) return false
    log.warning(`child process exiting after exceeding memory limit (${memoryKib}KiB / ${maxMemoryPerChild}KiB)`)
    return true
  }

  #dismiss(member: Member): void {
    this.#idle.delete(member)
    void member.leave()
    if (this.#isServing) this.#fill()
  }

  #surplus(): number {
    return Math.max(0, this.#staying() - this.concurrency)
  }

  #staying(): number {
    return [...this.#members].filter((member) => !member.isLeaving).length
  }

  /** Starts the children that are missing. */
  #fill(): void {
    for (let missing = this.concurrency - this.#staying(); missing > 0; missing--) this.#recruit()
  }

  #recruit(): void {
    const { appPath, clock, maxMemoryPerChild } = this.#options
    const member = new Member(this.#open, {
      appPath,
      clock,
      tellsMemory: maxMemoryPerChild !== null,
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
