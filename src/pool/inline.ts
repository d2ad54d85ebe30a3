import type { TaskRequest } from '../app/context.ts'
import type { Outcome } from '../trace/outcome.ts'
import type { Pool, RunOptions } from './pool.ts'

type Run = (request: TaskRequest, signal: AbortSignal) => Promise<Outcome>

/**
 * Runs tasks on this process's own event loop, many at a time as they wait for something. A task that computes
 * without pause holds up the others.
 */
export class InlinePool implements Pool {
  readonly name = 'async'
  readonly concurrency: number
  readonly #run: Run
  readonly #line: (() => void)[] = []
  readonly #running = new Set<Promise<unknown>>()

  constructor(concurrency: number, run: Run) {
    this.concurrency = concurrency
    this.#run = run
  }

  async start(): Promise<void> {}

  async run(request: TaskRequest, { onStart, signal }: RunOptions = {}): Promise<Outcome> {
    if (this.#running.size >= this.concurrency) await new Promise<void>((resolve) => this.#line.push(resolve))
    onStart?.()
    const running = this.#run(request, signal ?? new AbortController().signal)
    this.#running.add(running)
    try {
      return await running
    } finally {
      this.#running.delete(running)
      this.#line.shift()?.()
    }
  }

  /** Waits for the tasks that run or stand in line. */
  async stop(): Promise<void> {
    while (this.#running.size > 0) await Promise.allSettled(this.#running)
  }
}
