import type { TaskRequest } from '../app/context.ts'
import type { Clock, Timer } from '../clock.ts'
import { CeleryError } from '../errors.ts'
import { type Outcome, terminated } from '../trace/outcome.ts'
import type { FromChild, ToChild } from './child-message.ts'
import type { Child, OpenChild } from './children.ts'
import type { Job } from './pool.ts'

/** How long a child may take to end when it was told to. */
const graceMs = 5_000

export interface MemberOptions {
  readonly appPath: string
  /** Whether `memoryKib` is of interest, which costs time. */
  readonly tellsMemory: boolean
  readonly clock: Clock
  /** Called once, before anything else learns of it. */
  onExit(member: Member): void
  /** News and log lines of the task. */
  onNews(message: FromChild & { is: 'event' | 'log' }): void
}

/** One child of a pool, from its start to its exit, and the task that it runs. */
export class Member {
  /** Resolves when the child has loaded the app; rejects when it cannot. */
  readonly ready: Promise<void>
  readonly exited: Promise<void>
  tasksBegun = 0
  /** What it held after its last task. */
  memoryKib = 0
  isLeaving = false
  /** Another shall take its place when it is free. */
  isSpent = false
  readonly #child: Child
  readonly #options: MemberOptions
  readonly #ready = Promise.withResolvers<void>()
  readonly #exited = Promise.withResolvers<void>()
  #task: PromiseWithResolvers<Outcome> | undefined
  #deadline: Timer | undefined

  constructor(open: OpenChild, options: MemberOptions) {
    this.#options = options
    this.ready = this.#ready.promise
    this.exited = this.#exited.promise
    this.#child = open({ onMessage: (message) => this.#onMessage(message), onExit: (how) => this.#onExit(how) })
    const { appPath, tellsMemory } = options
    this.#send({ do: 'load', appPath, tellsMemory })
  }

  get pid(): number {
    return this.#child.pid
  }

  run(request: TaskRequest): Promise<Outcome> {
    this.tasksBegun += 1
    this.#task = Promise.withResolvers()
    this.#send({ do: 'run', request })
    return this.#task.promise
  }

  /** The task that it runs now. */
  job(): Job {
    const task = this.#task
    return {
      pid: this.pid,
      abort: (reason) => {
        if (this.#task === task) this.#send({ do: 'abort', reason })
      },
      terminate: (signal) => {
        if (this.#task === task) this.kill(signal)
      },
    }
  }

  /** Lets the child close its connections and end. */
  leave(): Promise<void> {
    this.#send({ do: 'leave' })
    this.#expectExit()
    return this.exited
  }

  /** A child that takes no notice of the signal is killed after a while. */
  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal)
    this.#expectExit()
  }

  #expectExit(): void {
    this.isLeaving = true
    this.#deadline ??= this.#options.clock.timer(() => this.#child.kill('SIGKILL'), graceMs)
  }

  #send(message: ToChild): void {
    this.#child.send(message)
  }

  #onMessage(message: FromChild): void {
    if (message.is === 'ready') this.#ready.resolve()
    else if (message.is === 'unable') {
      this.#ready.reject(new CeleryError(message.code, message.message, { next: message.next }))
      this.#send({ do: 'leave' })
    } else if (message.is === 'done') {
      this.memoryKib = message.memoryKib
      this.#end(message.outcome)
    } else this.#options.onNews(message)
  }

  #onExit(how: string): void {
    this.#deadline?.cancel()
    this.#options.onExit(this)
    const next = 'Look at what it wrote above; importing the app must not end the process.'
    this.#ready.reject(new CeleryError('APP_BROKEN', `a child ended (${how}) before it had loaded the app`, { next }))
    this.#exited.resolve()
    this.#end(terminated(how))
  }

  #end(outcome: Outcome): void {
    const task = this.#task
    this.#task = undefined
    task?.resolve(outcome)
  }
}
