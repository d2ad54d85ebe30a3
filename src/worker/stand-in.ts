import { extname } from 'node:path'
import { Worker as Thread } from 'node:worker_threads'
import type { Logger } from '../log.ts'
import type { Service } from '../service.ts'
import type { TransportOptions } from '../transport/transport.ts'

/** What the thread is told. Secrets in the address stay in this process's memory. */
export interface StandInDuty {
  readonly url: string
  readonly options: Partial<Omit<TransportOptions, 'clock' | 'log' | 'onEvent'>>
  readonly hostname: string
  readonly intervalMs: number
  /** Of the worker's `Vitals`. */
  readonly memory: SharedArrayBuffer
}

// Beside this file, as it is: TypeScript in the source tree, JavaScript in the package.
const entry = new URL(`./stand-in-thread${extname(import.meta.url)}`, import.meta.url)

/** How long the thread may take to close its connection. */
const patienceMs = 2_000

/**
 * A thread that sends the worker's heartbeats while the event loop cannot: a task that computes does not make monitors
 * think that the worker is gone. It connects to the broker when it is first needed.
 */
export class StandIn implements Service {
  readonly #duty: StandInDuty
  readonly #log: Logger
  #thread: Thread | undefined
  #ended: Promise<void> | undefined

  constructor(duty: StandInDuty, log: Logger) {
    this.#duty = duty
    this.#log = log
  }

  async start(): Promise<void> {
    if (this.#thread) return
    const thread = new Thread(entry, { workerData: this.#duty })
    thread.unref()
    thread.on('error', (error) => this.#log.error(`heartbeats will cease while this process is busy: ${error}`))
    this.#ended = new Promise((resolve) => thread.once('exit', () => resolve()))
    this.#thread = thread
  }

  async stop(): Promise<void> {
    const thread = this.#thread
    this.#thread = undefined
    thread?.postMessage('stop')
    const timer = setTimeout(() => void thread?.terminate(), patienceMs)
    await this.#ended
    clearTimeout(timer)
  }
}
