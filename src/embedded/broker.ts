import { once } from 'node:events'
import { type AddressInfo, createServer, type Server as Listener } from 'node:net'
import { type Clock, systemClock, type Timer } from '../clock.ts'
import { CeleryError, messageOf } from '../errors.ts'
import { type Logger, silentLogger } from '../log.ts'
import type { Service } from '../service.ts'
import { Connection } from './connection.ts'
import { Server } from './server.ts'

export interface EmbeddedBrokerOptions {
  /** This machine only: there is no way to listen to others. @default '127.0.0.1' */
  host?: '127.0.0.1'
  /** @default 0: any free one, kept when the broker is stopped and started again */
  port?: number
  /** What clients have to authenticate with, as user `default`. @default none */
  password?: string
  /** Deadlines and timeouts follow it. @default systemClock */
  clock?: Clock
  /** @default silentLogger */
  log?: Logger
}

/** A running, or startable, Redis-protocol server in this process. What it holds is gone when it stops. */
export interface EmbeddedBroker extends Service {
  /** 0 until the first start, unless it was chosen. */
  readonly port: number
  /** `redis://127.0.0.1:port/0`, with the password if there is one. */
  readonly url: string
}

/**
 * A broker in the box: Redis's protocol and its common commands, in memory, for Celery, ioredis and redis-cli alike.
 *
 * @example
 * const broker = createEmbeddedBroker()
 * await broker.start()
 * console.log(broker.url)
 *
 * @throws {CeleryError} IMPROPERLY_CONFIGURED for another host than 127.0.0.1 and for an impossible port; from
 * `start` when the port is taken.
 */
export function createEmbeddedBroker(options: EmbeddedBrokerOptions = {}): EmbeddedBroker {
  return new Broker(options)
}

const loopback = '127.0.0.1'
const sweepIntervalMs = 100

class Broker implements EmbeddedBroker {
  readonly #clock: Clock
  readonly #log: Logger
  readonly #password: string | undefined
  #port: number
  #running: Running | undefined
  #lastStep: Promise<unknown> = Promise.resolve()

  constructor({ host = loopback, port = 0, password, clock = systemClock, log = silentLogger }: EmbeddedBrokerOptions) {
    if (host !== loopback) throw improper(`the embedded broker listens on ${loopback} only, not on ${String(host)}`)
    if (!Number.isInteger(port) || port < 0 || port > 65535) throw improper(`not a port: ${port}`)
    this.#port = port
    this.#password = password || undefined
    this.#clock = clock
    this.#log = log
  }

  get port(): number {
    return this.#port
  }

  get url(): string {
    const credentials = this.#password === undefined ? '' : `:${encodeURIComponent(this.#password)}@`
    return `redis://${credentials}${loopback}:${this.#port}/0`
  }

  start(): Promise<void> {
    return this.#inTurn(async () => {
      this.#running ??= await this.#run()
    })
  }

  stop(): Promise<void> {
    return this.#inTurn(async () => {
      await this.#running?.stop()
      this.#running = undefined
    })
  }

  /** Starts and stops follow each other in the order in which they were called. */
  #inTurn(step: () => Promise<void>): Promise<void> {
    const turn = this.#lastStep.then(step)
    this.#lastStep = turn.catch(() => {})
    return turn
  }

  async #run(): Promise<Running> {
    const password = this.#password === undefined ? undefined : Buffer.from(this.#password).toString('latin1')
    const server = new Server({ clock: this.#clock, log: this.#log, password })
    const running = await listen(server, this.#port)
    this.#port = server.port
    this.#log.info(`the embedded broker listens on ${loopback}:${this.#port}`)
    return running
  }
}

interface Running {
  stop(): Promise<void>
}

async function listen(server: Server, port: number): Promise<Running> {
  const connections = new Set<Connection>()
  // A client that has said all it wants to say still gets its replies.
  const listener = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    const connection = new Connection(socket, server)
    connections.add(connection)
    socket.once('close', () => connections.delete(connection))
  })
  server.port = await bind(listener, port)
  listener.on('error', (error) => server.log.error(`the embedded broker cannot accept: ${error.message}`))
  const stopSweeping = sweepRegularly(server)
  return {
    async stop() {
      stopSweeping()
      const closed = once(listener, 'close')
      listener.close()
      for (const connection of connections) connection.destroy()
      await closed
    },
  }
}

async function bind(listener: Listener, port: number): Promise<number> {
  try {
    listener.listen(port, loopback)
    await once(listener, 'listening')
  } catch (error) {
    throw improper(`the embedded broker cannot listen on ${loopback}:${port}: ${messageOf(error)}`, error)
  }
  return (listener.address() as AddressInfo).port
}

function sweepRegularly(server: Server): () => void {
  let timer: Timer
  const rest = () => {
    timer = server.clock.timer(() => {
      server.sweep()
      rest()
    }, sweepIntervalMs)
  }
  rest()
  return () => timer.cancel()
}

function improper(message: string, cause?: unknown): CeleryError {
  return new CeleryError('IMPROPERLY_CONFIGURED', message, {
    cause,
    next: 'Leave the host as it is, and choose a free port, or 0 for any.',
  })
}
