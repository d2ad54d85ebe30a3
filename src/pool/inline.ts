import type { TaskRequest } from '../app/context.ts'
import { type Outcome, sentAway, terminated } from '../trace/outcome.ts'
import { abortErrors } from './abort.ts'
import { Line } from './line.ts'
import type { Pool, RunOptions } from './pool.ts'

type Run = (request: TaskRequest, signal: AbortSignal) => Promise<Outcome>

/**
 * Runs tasks on this process's own event loop, many at a time as they wait for something. A task that computes
 * without pause holds up the others, and nothing can end it.
 */
export class InlinePool implements Pool {
  readonly name: 'async' | 'solo'
  concurrency: number
  readonly canTerminate = false
  readonly #run: Run
  readonly #line = new Line<true>()
  #isServing = false
  /** Places that are taken. */
  #taken = 0
  readonly #running = new Map<Promise<Outcome>, { abandon: () => void }>()

  /** `solo` is the pool of one. */
  constructor(name: 'async' | 'solo', concurrency: number, run: Run) {
    this.name = name
    this.concurrency = name === 'solo' ? 1 : concurrency
    this.#run = run
  }

  async start(): Promise<void> {
    this.#isServing = true
  }

  async run(request: TaskRequest, { isWanted = () => true, onStart }: RunOptions = {}): Promise<Outcome> {
    if (!this.#isServing) return sentAway
    const place = this.#taken < this.concurrency ? this.#take() : await this.#line.wait()
    if (!place) return sentAway
    if (!isWanted()) {
      this.#leave()
      return sentAway
    }
    const controller = new AbortController()
    const abandoned = Promise.withResolvers<Outcome>()
    const abort = (reason: keyof typeof abortErrors) => controller.abort(abortErrors[reason]())
    onStart?.({ pid: process.pid, abort, terminate: () => {} })
    const running = Promise.race([this.#run(request, controller.signal), abandoned.promise])
    const abandon = () => {
      abort('terminated')
      abandoned.resolve(terminated('the worker did not wait for its end'))
    }
    this.#running.set(running, { abandon })
    try {
      return await running
    } finally {
      this.#running.delete(running)
      this.#leave()
    }
  }

  #take(): true {
    this.#taken += 1
    return true
  }

  #leave(): void {
    this.#taken -= 1
    this.#admit()
  }

  #admit(): void {
    while (this.#taken < this.concurrency && this.#line.give(true)) this.#taken += 1
  }

  async stop(): Promise<void> {
    this.#isServing = false
    this.#line.sendAway()
    while (this.#running.size > 0) await Promise.allSettled(this.#running.keys())
  }

  /** Asks every task to end and waits for none of them. */
  async terminate(): Promise<void> {
    for (const { abandon } of this.#running.values()) abandon()
    await this.stop()
  }

  resize(concurrency: number): void {
    if (this.name === 'solo') throw new Error('the pool solo runs one task at a time')
    this.concurrency = concurrency
    this.#admit()
  }

  restart(): void {
    throw new Error(`the pool ${this.name} has no children to restart`)
  }

  stats(): Record<string, unknown> {
    return { processes: [process.pid] }
  }
}
