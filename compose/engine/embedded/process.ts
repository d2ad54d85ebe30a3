import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { constants, totalmem } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { StackError } from '../../errors.ts'
import { LineSplitter } from '../../lines.ts'
import type {
  ContainerDetail,
  ContainerState,
  EngineEvent,
  EngineLogLine,
  Health,
  LogOptions,
  StatsSample,
} from '../engine.ts'
import type { ProcessLog } from './process-log.ts'
import type { ProcessSpec } from './process-spec.ts'
import { usageOf } from './process-stats.ts'

/** The line by which a broker says that it listens. */
const readyLine = 'ready'

/** After that it is not our concern any more whether it does. */
const listenTimeoutMs = 5_000

/** What a process needs of those around it. */
export interface Surroundings {
  readonly log: ProcessLog
  readonly emit: (event: EngineEvent) => void
  readonly environment: () => NodeJS.ProcessEnv
  readonly url: string | undefined
}

const sampleMs = 1000

type Phase = 'created' | 'running' | 'restarting' | 'exited'

/** One process through all its runs. */
export class Process {
  readonly id = randomBytes(32).toString('hex')
  readonly #spec: ProcessSpec
  readonly #around: Surroundings
  #name: string
  #phase: Phase = 'created'
  #health: Health = 'none'
  #exitCode = 0
  #error = ''
  #since = Date.now()
  #child: ChildProcess | undefined
  #ended: Promise<void> = Promise.resolve()
  #listening = Promise.withResolvers<void>()
  #isStopping = false
  #restarts = 0
  #restartTimer: NodeJS.Timeout | undefined

  constructor(spec: ProcessSpec, around: Surroundings) {
    this.#spec = spec
    this.#around = around
    this.#name = spec.name
    around.log.begin()
  }

  get name(): string {
    return this.#name
  }

  rename(name: string): void {
    this.#name = name
    this.#around.emit(this.event('rename'))
  }

  /** @throws {StackError} PORT_BUSY when it is a broker and another program has its port after all */
  async start(): Promise<void> {
    if (this.#child) return
    clearTimeout(this.#restartTimer)
    this.#isStopping = false
    this.#restarts = 0
    this.#run()
    if (this.#spec.broker) await this.#listens(this.#spec.broker.port)
  }

  async #listens(port: number): Promise<void> {
    const patience = setTimeout(() => this.#listening.resolve(), listenTimeoutMs)
    await Promise.race([this.#listening.promise, this.#ended])
    clearTimeout(patience)
    if (this.#child) return
    for await (const { text } of this.logs({ tail: 5 })) {
      if (/EADDRINUSE/.test(text)) throw new StackError('PORT_BUSY', `port ${port} of ${this.#name} is taken`)
    }
  }

  get isBroker(): boolean {
    return this.#spec.broker !== undefined
  }

  /** Asks the process to end, and makes it end after its grace period. */
  async stop(graceMs = this.#spec.graceMs): Promise<void> {
    this.#isStopping = true
    clearTimeout(this.#restartTimer)
    if (this.#phase === 'restarting') this.#phase = 'exited'
    const child = this.#child
    if (!child) return
    if (graceMs > 0) this.#ask(child)
    const killer = setTimeout(() => child.kill('SIGKILL'), graceMs)
    await this.#ended
    clearTimeout(killer)
  }

  /** @throws {StackError} SIGNAL_UNKNOWN */
  kill(name: string): void {
    const full = `SIG${name.toUpperCase().replace(/^SIG/, '')}` as NodeJS.Signals
    const signal = /^\d+$/.test(name) ? Number(name) : constants.signals[full]
    if (!Object.values(constants.signals).includes(signal)) {
      throw new StackError('SIGNAL_UNKNOWN', `there is no signal ${name}`)
    }
    // Who is killed on purpose is not started again, as on Docker.
    if (signal === constants.signals.SIGKILL) this.#isStopping = true
    this.#child?.kill(signal)
  }

  /** What it and all it started use: at once, then every second, until it ends. */
  async *stats(): AsyncGenerator<StatsSample> {
    const child = this.#child
    if (child?.pid === undefined) return
    let before: { readonly cpuMs: number; readonly at: number } | undefined
    for (const ended = this.#ended; this.#child === child; ) {
      const at = performance.now()
      const { cpuMs, memoryBytes, processes } = usageOf(child.pid)
      const cpuPercent = before && (Math.max(0, cpuMs - before.cpuMs) / (at - before.at)) * 100
      before = { cpuMs, at }
      yield { cpuPercent, memoryBytes, memoryLimitBytes: totalmem(), network: undefined, disk: undefined, processes }
      await Promise.race([sleep(sampleMs), ended])
    }
  }

  logs(options: LogOptions): AsyncIterable<EngineLogLine> {
    return this.#around.log.read({ ...options, follow: options.follow === true && this.#child !== undefined })
  }

  state(): ContainerState {
    const { image, labels, command, broker } = this.#spec
    const isRunning = this.#phase === 'running'
    return {
      id: this.id,
      name: this.#name,
      image,
      command: command.join(' '),
      labels,
      state: this.#phase,
      health: isRunning ? this.#health : 'none',
      exitCode: this.#phase === 'exited' ? this.#exitCode : undefined,
      status: this.#status(),
      ports: broker && isRunning ? [broker] : [],
      networks: [],
      volumes: [],
      ...(this.#around.url !== undefined && { url: this.#around.url }),
    }
  }

  detail(): ContainerDetail {
    const { hostname, environment, broker, command } = this.#spec
    return {
      id: this.id,
      name: this.#name,
      state: this.#phase,
      hostname,
      environment,
      health: this.#phase === 'running' ? this.#health : 'none',
      exitCode: this.#exitCode,
      oomKilled: false,
      error: this.#error,
      healthOutput: '',
      ports: broker ? [broker] : [],
      command,
    }
  }

  event(action: EngineEvent['action']): EngineEvent {
    return {
      action,
      time: new Date().toISOString(),
      container: this.id,
      name: this.#name,
      labels: this.#spec.labels,
      ...(action === 'die' && { exitCode: this.#exitCode }),
      ...(action === 'health' && { health: this.#health }),
    }
  }

  #run(): void {
    const [command = '', ...args] = this.#spec.argv
    // The channel tells a child of ours when this process is gone: it ends then.
    const child = spawn(command, args, {
      cwd: this.#spec.directory,
      env: this.#around.environment(),
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      windowsHide: true,
    })
    this.#child = child
    this.#listening = Promise.withResolvers()
    this.#phase = 'running'
    this.#health = this.#spec.broker ? 'starting' : 'none'
    this.#error = ''
    this.#since = Date.now()
    this.#record(child, 'stdout')
    this.#record(child, 'stderr')
    this.#ended = new Promise((resolve) => {
      child.once('error', (error) => {
        const directory = this.#spec.directory
        this.#error = existsSync(directory) ? error.message : `its directory ${directory} does not exist`
        // A program that cannot be started never exits.
        if (child.pid === undefined) this.#finish(127, resolve)
      })
      child.once('close', (code, signal) =>
        this.#finish(code ?? 128 + (signal ? constants.signals[signal] : 0), resolve),
      )
    })
    this.#around.emit(this.event('start'))
  }

  #record(child: ChildProcess, stream: 'stdout' | 'stderr'): void {
    const splitter = new LineSplitter()
    const write = (lines: readonly { time: string; text: string }[]) => {
      this.#around.log.write(lines.map((line) => ({ stream, ...line })))
      if (this.#health === 'starting' && lines.some(({ text }) => text.trim() === readyLine)) this.#becomeHealthy()
    }
    child[stream]?.on('data', (chunk: Buffer) => write(splitter.push(chunk, new Date().toISOString())))
    child[stream]?.on('end', () => write(splitter.end()))
  }

  #becomeHealthy(): void {
    this.#health = 'healthy'
    this.#listening.resolve()
    this.#around.emit(this.event('health'))
  }

  #ask(child: ChildProcess): void {
    // Windows knows no signals; there a closed channel asks.
    if (process.platform === 'win32') child.disconnect()
    else child.kill(this.#spec.stopSignal as NodeJS.Signals)
  }

  #finish(exitCode: number, ended: () => void): void {
    const ranMs = Date.now() - this.#since
    this.#child = undefined
    this.#exitCode = exitCode
    this.#since = Date.now()
    this.#phase = this.#isRestarted() ? 'restarting' : 'exited'
    this.#around.log.end()
    this.#around.emit(this.event('die'))
    if (this.#phase === 'restarting') this.#restartLater(ranMs)
    ended()
  }

  #isRestarted(): boolean {
    const { policy, attempts } = this.#spec.restart
    if (this.#isStopping) return false
    if (policy === 'always' || policy === 'unless-stopped') return true
    return policy === 'on-failure' && this.#exitCode !== 0 && (attempts === 0 || this.#restarts < attempts)
  }

  /** Docker's own pace: 100 ms at first, doubled each time, a minute at most; ten good seconds begin anew. */
  #restartLater(ranMs: number): void {
    if (ranMs > 10_000) this.#restarts = 0
    const delayMs = Math.min(60_000, 100 * 2 ** this.#restarts)
    this.#restarts++
    this.#restartTimer = setTimeout(() => this.#run(), delayMs)
  }

  #status(): string {
    const seconds = Math.round((Date.now() - this.#since) / 1000)
    const ago = seconds < 60 ? `${seconds} seconds` : `${Math.floor(seconds / 60)} minutes`
    if (this.#phase === 'created') return 'Created'
    if (this.#phase === 'running') return `Up ${ago}${this.#health === 'none' ? '' : ` (${this.#health})`}`
    return `${this.#phase === 'restarting' ? 'Restarting' : 'Exited'} (${this.#exitCode}) ${ago} ago`
  }
}
