import { Channel } from '../channel.ts'
import type { ContainerState, Engine, StatsSample } from '../engine/engine.ts'
import { Watch } from '../execute/watch.ts'
import { isOneOff, serviceOf } from '../identity/labels.ts'
import { selectContainers } from './selection.ts'

/** What one container uses now, or that it ended. */
export interface ContainerStats {
  readonly service: string
  readonly container: string
  /** Undefined: it runs no more. */
  readonly sample: StatsSample | undefined
}

/** Which containers. */
export interface StatsOptions {
  /** All when empty. */
  readonly services?: readonly string[] | undefined
  readonly signal?: AbortSignal | undefined
}

/**
 * What containers use, once a second each, also those that start meanwhile; until the signal aborts or none runs.
 *
 * @throws {StackError} SERVICE_UNKNOWN; EMBEDDED_UNSUPPORTED where the system does not show it
 */
export async function* statsOf(
  engine: Engine,
  project: string,
  { services = [], signal: outer }: StatsOptions,
): AsyncGenerator<ContainerStats> {
  const leaving = new AbortController()
  const signal = outer ? AbortSignal.any([outer, leaving.signal]) : leaving.signal
  const samples = new Channel<ContainerStats>()
  signal.addEventListener('abort', () => samples.close(), { once: true })
  try {
    const watch = await Watch.open(engine, project, signal)
    const containers = await selectContainers(engine, project, services)
    const meters = new Meters(engine, samples, signal)
    for (const container of containers) if (container.state === 'running') meters.start(container)
    if (meters.isIdle) return
    const isWanted = (labels: ContainerState['labels']) =>
      !isOneOff(labels) && (services.length === 0 || services.includes(serviceOf(labels)))
    void follow(watch, meters, isWanted).catch((error: unknown) => samples.close(signal.aborted ? undefined : error))
    yield* samples
  } finally {
    leaving.abort()
  }
}

async function follow(watch: Watch, meters: Meters, isWanted: (labels: ContainerState['labels']) => boolean) {
  for await (const { action, container: id, name, labels } of watch.all()) {
    if (!isWanted(labels)) continue
    if (action === 'start') meters.start({ id, name, labels })
    if (action === 'die') meters.stop(id)
  }
}

type Metered = Pick<ContainerState, 'id' | 'name' | 'labels'>

/** One stream a container, as long as it runs. */
class Meters {
  readonly #engine: Engine
  readonly #samples: Channel<ContainerStats>
  readonly #signal: AbortSignal
  readonly #running = new Map<string, AbortController>()

  constructor(engine: Engine, samples: Channel<ContainerStats>, signal: AbortSignal) {
    this.#engine = engine
    this.#samples = samples
    this.#signal = signal
  }

  get isIdle(): boolean {
    return this.#running.size === 0
  }

  start(container: Metered): void {
    if (this.#running.has(container.id)) return
    const ended = new AbortController()
    this.#running.set(container.id, ended)
    this.#read(container, AbortSignal.any([this.#signal, ended.signal])).catch((error: unknown) => {
      if (!this.#signal.aborted) this.#samples.close(error)
    })
  }

  stop(id: string): void {
    this.#running.get(id)?.abort()
  }

  async #read({ id, name, labels }: Metered, signal: AbortSignal): Promise<void> {
    const of = { service: serviceOf(labels), container: name }
    for await (const sample of this.#engine.stats(id, signal)) await this.#samples.push({ ...of, sample })
    this.#running.delete(id)
    await this.#samples.push({ ...of, sample: undefined })
    if (this.isIdle) this.#samples.close()
  }
}
