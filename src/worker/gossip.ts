import { type Clock, every, type Timer } from '../clock.ts'
import { messageOf } from '../errors.ts'
import { Cluster, type ClusterWorker, isAlive } from '../events/cluster.ts'
import type { Dispatcher } from '../events/dispatcher.ts'
import { type ReceivedEvent, receiveEvents } from '../events/receiver.ts'
import type { Logger } from '../log.ts'
import type { LamportClock } from '../protocol/lamport.ts'
import type { Service } from '../service.ts'
import type { Consumer, Transport } from '../transport/transport.ts'
import { type Candidate, Elections } from './elections.ts'

const intervalMs = 5_000

// Who acknowledges at once may be faster than others are to stand, and kombu cannot count an election of one.
const thinkingMs = 200

export interface GossipOptions {
  readonly transport: Transport
  readonly events: Dispatcher
  readonly lamport: LamportClock
  readonly clock: Clock
  readonly log: Logger
  /** Topic of an election → what the one that is elected does. */
  readonly elected: Readonly<Record<string, (action: unknown) => Promise<unknown>>>
}

/** Hears the other workers: who joins, leaves and is lost; elects one of them for what only one shall do. */
export class Gossip implements Service {
  readonly #options: GossipOptions
  /** The other workers. */
  readonly cluster: Cluster = new Cluster({ maxTasks: 1 })
  readonly #elections = new Elections()
  readonly #self: string
  #listening: Consumer | undefined
  #timer: Timer | undefined
  readonly #acknowledging = new Set<Timer>()

  constructor(options: GossipOptions) {
    this.#options = options
    this.#self = `${options.events.hostname}.${process.pid}`
  }

  async start(): Promise<void> {
    if (this.#listening) return
    const { transport, lamport, clock } = this.#options
    const how = { clock: lamport, now: () => clock.now(), pattern: 'worker.#' }
    this.#listening = await receiveEvents(transport, how, (event) => this.#onEvent(event))
    this.#timer = every(clock, intervalMs, () => this.tick(clock.now()))
  }

  async stop(): Promise<void> {
    this.#timer?.cancel()
    for (const timer of this.#acknowledging) timer.cancel()
    this.#acknowledging.clear()
    await this.#listening?.cancel()
    this.#listening = undefined
  }

  /** Stands for an election, as every worker does that was told of it. */
  election(id: string, topic: string, action: unknown): void {
    this.#elections.begin(id)
    this.#options.events.send('worker-elect', { id, topic, action, cver: 1 })
  }

  /** Drops workers that were not heard of for too long. @param now epoch milliseconds */
  tick(now: number): void {
    for (const worker of this.cluster.workers.values()) {
      if (isAlive(worker, now / 1000)) continue
      this.#options.log.info(`missed heartbeat from ${worker.hostname}`)
      this.cluster.forgetWorker(worker.hostname)
    }
  }

  #onEvent(event: ReceivedEvent): void {
    if (event.type === 'worker-elect') this.#onElect(event)
    else if (event.type === 'worker-elect-ack') this.#onElectAck(event)
    else if (event.type.startsWith('worker-') && event.hostname !== this.#options.events.hostname) this.#see(event)
  }

  #see(event: ReceivedEvent): void {
    const change = this.cluster.event(event)
    if (change?.what !== 'worker') return
    if (change.how === 'left') this.cluster.forgetWorker(change.worker.hostname)
    if (change.how !== 'beats') this.#options.log.debug(sayings[change.how](change.worker))
  }

  #onElect({ id, clock, hostname, pid, topic, action }: ReceivedEvent): void {
    if (typeof id !== 'string' || typeof topic !== 'string') return
    this.#elections.add(id, { clock, name: `${hostname}.${pid}`, topic, action })
    const timer = this.#options.clock.timer(() => {
      this.#acknowledging.delete(timer)
      this.#options.events.send('worker-elect-ack', { id })
    }, thinkingMs)
    this.#acknowledging.add(timer)
  }

  #onElectAck({ id }: ReceivedEvent): void {
    const { clock } = this.#options
    const others = this.cluster.aliveWorkers(clock.now() / 1000).length
    const winner = typeof id === 'string' ? this.#elections.acknowledge(id, others) : undefined
    if (winner) this.#conclude(String(id), winner)
  }

  #conclude(id: string, { name, topic, action }: Candidate): void {
    const isMe = name === this.#self
    this.#options.log.info(isMe ? `I won the election ${id}` : `node ${name} elected for ${id}`)
    if (isMe) this.#carryOut(topic, action)
  }

  #carryOut(topic: string, action: unknown): void {
    const { log, elected } = this.#options
    const run = Object.hasOwn(elected, topic) ? elected[topic] : undefined
    if (!run) log.error(`Unknown election topic ${topic}`)
    run?.(action).catch((error) => log.error(`Could not call task: ${messageOf(error)}`, { error }))
  }
}

const sayings: Readonly<Record<'joined' | 'left', (worker: ClusterWorker) => string>> = {
  joined: ({ hostname }) => `${hostname} joined the party`,
  left: ({ hostname }) => `${hostname} left`,
}
