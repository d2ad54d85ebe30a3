import type { Engine, PullProgress } from '../engine/engine.ts'
import { pullTotals } from '../engine/pull-totals.ts'
import { messageOf } from '../errors.ts'
import type { Emit, ImageStep, Step } from '../events.ts'
import type { Model } from '../file/model.ts'
import type { HashFamily } from '../identity/hash.ts'
import type { Operation } from '../plan/plan.ts'
import type { PortClaims } from './port-claims.ts'
import type { Probes } from './probe.ts'
import type { Life, Watch } from './watch.ts'

/** What carrying out a plan needs. */
export interface Site {
  readonly engine: Engine
  readonly project: string
  readonly emit: Emit
  readonly signal: AbortSignal
  /** Only for plans that make and start containers. */
  readonly making?: Making
  /** Only for plans that take containers away. */
  readonly ending?: Ending
  /** How long a container may take to stop, instead of its own grace period. */
  readonly stopTimeoutSeconds?: number | undefined
}

/** What making and starting containers needs. */
export interface Making {
  readonly model: Model
  readonly watch: Watch
  /** Undefined when containers are started as they are. */
  readonly ports: PortClaims | undefined
  readonly probes: Probes
  readonly family: HashFamily
  readonly readyTimeoutMs: number
}

/** How containers are taken away. */
export interface Ending {
  /** Whether volumes that nobody named go with their containers. */
  readonly volumes: boolean
}

/** An operation of one kind. */
export type Of<Do extends Operation['do']> = Operation & { readonly do: Do }

/** The run of one plan: what its operations leave for each other. */
export class Job {
  readonly site: Site
  /** Ids of the containers this plan made, by name. */
  readonly made = new Map<string, string>()
  /** What happens to the containers this plan started, from before they were. */
  readonly lives = new Map<string, Life>()
  readonly #begun = new Map<string, number>()
  readonly #pulls = new Map<string, PullProgress>()
  #pulled = 0
  readonly #images = new Map<string, Promise<string>>()

  constructor(site: Site) {
    this.site = site
  }

  /** What only a plan that makes containers has. */
  get making(): Making {
    if (!this.site.making) throw new Error('this plan makes nothing')
    return this.site.making
  }

  idOf({ name, container }: { name: string; container: string | undefined }): string {
    return this.made.get(name) ?? container ?? name
  }

  step(service: string, container: string, step: Step, detail = ''): void {
    this.site.emit({ type: 'step', service, container, step, detail, elapsedMs: this.#sinceBegun(container) })
  }

  image(operation: Of<'pull' | 'build'>, step: ImageStep, detail = '', progress?: number): void {
    const { name: image } = operation
    const services = operation.services.map(({ name }) => name)
    const elapsedMs = this.#sinceBegun(image)
    const done = progress === undefined ? {} : { progress }
    this.site.emit({ type: 'image', image, services, step, detail, elapsedMs, ...done })
  }

  #sinceBegun(name: string): number {
    const begun = this.#begun.get(name) ?? Date.now()
    this.#begun.set(name, begun)
    return Date.now() - begun
  }

  fail(operation: Operation, thrown: unknown): void {
    if (this.site.signal.aborted) return
    if (operation.do === 'pull' || operation.do === 'build') {
      this.image(operation, 'failed', messageOf(thrown))
    } else if ('service' in operation) {
      const service = typeof operation.service === 'string' ? operation.service : operation.service.name
      this.step(service, operation.name, 'failed', messageOf(thrown))
    }
  }

  /** One figure for all that is pulled. */
  pulling(image: string, progress: PullProgress): void {
    this.#pulls.set(image, progress)
    const totals = pullTotals(this.#pulls.values(), this.#pulled)
    this.#pulled = totals.fraction
    this.site.emit({ type: 'pull', ...totals })
  }

  /** The id that containers of this image are labelled with. */
  imageId(image: string): Promise<string> {
    const known = this.#images.get(image) ?? this.site.engine.images([image]).then((images) => images[image]?.id ?? '')
    this.#images.set(image, known)
    return known
  }

  close(): void {
    for (const life of this.lives.values()) life.close()
  }
}
