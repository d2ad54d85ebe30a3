import { Channel } from '../channel.ts'
import type { ContainerState, Engine, EngineEvent, EngineLogLine } from '../engine/engine.ts'
import { Watch } from '../execute/watch.ts'
import { isOneOff, serviceOf } from '../identity/labels.ts'
import { refuseUnknown } from './selection.ts'

/** One line of a container of the project. */
export interface LogLine {
  readonly service: string
  readonly container: string
  readonly stream: 'stdout' | 'stderr'
  /** RFC 3339, UTC; nine digits of a second from Docker. Lines of a history come in its order. */
  readonly time: string
  /** One line without its end; control characters are left in. */
  readonly text: string
}

/** Which lines. */
export interface LogsOptions {
  /** All services when empty. */
  readonly services?: readonly string[] | undefined
  /** Goes on with what comes, until the signal aborts or nothing of the project is left. */
  readonly follow?: boolean | undefined
  /** The last so many lines of each container. */
  readonly tail?: number | undefined
  /** RFC 3339. */
  readonly since?: string | undefined
  readonly signal?: AbortSignal | undefined
}

/**
 * What the containers of a project wrote: first all there is, merged by time; then, if followed, what comes.
 *
 * @throws {StackError} SERVICE_UNKNOWN
 */
export async function* readLogs(engine: Engine, project: string, options: LogsOptions): AsyncGenerator<LogLine> {
  const leaving = new AbortController()
  const signal = options.signal ? AbortSignal.any([options.signal, leaving.signal]) : leaving.signal
  const { services = [] } = options
  const isWanted = (labels: ContainerState['labels']) =>
    !isOneOff(labels) && (services.length === 0 || services.includes(serviceOf(labels)))
  try {
    // Events first: what starts while the history is read is not missed.
    const watch = options.follow ? await Watch.open(engine, project, signal) : undefined
    const follower = watch && new Follower(engine, watch, isWanted, signal)
    const all = await engine.containers(project)
    refuseUnknown(services, all)
    const containers = all.filter(({ labels }) => isWanted(labels))
    const histories = containers.map((container) => history(engine, container, options, signal))
    const ids = new Map(containers.map(({ id, name }) => [name, id]))
    for await (const line of mergeByTime(histories)) {
      follower?.saw(ids.get(line.container) ?? '', line)
      yield line
    }
    // Where there is nothing, nothing is waited for.
    if (follower && containers.length > 0) yield* follower.lines(containers)
  } finally {
    leaving.abort()
  }
}

async function* history(engine: Engine, container: ContainerState, { tail, since }: LogsOptions, signal: AbortSignal) {
  for await (const line of engine.logs(container.id, { tail, since, signal })) yield named(container, line)
}

function named({ name, labels }: Pick<ContainerState, 'name' | 'labels'>, line: EngineLogLine): LogLine {
  return { service: serviceOf(labels), container: name, ...line }
}

/** Takes the earliest of the first lines, again and again; each source is in order by itself. */
export async function* mergeByTime(sources: readonly AsyncIterable<LogLine>[]): AsyncGenerator<LogLine> {
  const heads: { readonly line: LogLine; readonly rest: AsyncIterator<LogLine> }[] = []
  const advance = async (rest: AsyncIterator<LogLine>) => {
    const { done, value } = await rest.next()
    if (!done) heads.push({ line: value, rest })
  }
  await Promise.all(sources.map((source) => advance(source[Symbol.asyncIterator]())))
  while (heads.length > 0) {
    const earliest = heads.reduce((a, b) => (b.line.time < a.line.time ? b : a))
    heads.splice(heads.indexOf(earliest), 1)
    yield earliest.line
    await advance(earliest.rest)
  }
}

/** Streams that are kept open through the lives of containers. */
class Follower {
  readonly #engine: Engine
  readonly #isWanted: (labels: ContainerState['labels']) => boolean
  readonly #signal: AbortSignal
  readonly #events: AsyncIterable<EngineEvent>
  readonly #lines = new Channel<LogLine>()
  readonly #tracks = new Map<string, Track>()
  /** Lines of containers that had none so far count from here. */
  readonly #since = new Date().toISOString()

  constructor(
    engine: Engine,
    watch: Watch,
    isWanted: (labels: ContainerState['labels']) => boolean,
    signal: AbortSignal,
  ) {
    this.#engine = engine
    this.#events = watch.all()
    this.#isWanted = isWanted
    this.#signal = signal
    signal.addEventListener('abort', () => this.#lines.close(), { once: true })
  }

  /** A line of the history, so that it does not come again. */
  saw(container: string, { time }: LogLine): void {
    this.#track(container).saw(time)
  }

  lines(containers: readonly ContainerState[]): AsyncIterable<LogLine> {
    for (const container of containers) this.#follow(container.id, container, this.#since)
    this.#react().then(
      () => this.#lines.close(),
      (error: unknown) => this.#lines.close(this.#signal.aborted ? undefined : error),
    )
    return this.#lines
  }

  async #react(): Promise<void> {
    for await (const { action, container, name, labels } of this.#events) {
      if (!this.#isWanted(labels)) continue
      if (action === 'start') this.#follow(container, { name, labels }, undefined)
      if (action === 'destroy') this.#tracks.delete(container)
      if (action === 'destroy' && this.#tracks.size === 0) return
    }
  }

  /** Reads until the container ends; a start that comes meanwhile is the next thing to read. */
  #follow(id: string, container: Pick<ContainerState, 'name' | 'labels'>, since: string | undefined): void {
    const track = this.#track(id)
    track.pending = true
    if (track.isRead) return
    track.isRead = true
    void this.#read(id, container, track, since).catch((error: unknown) => this.#lines.close(error))
  }

  async #read(id: string, container: Pick<ContainerState, 'name' | 'labels'>, track: Track, since: string | undefined) {
    while (track.pending) {
      track.pending = false
      const from = { follow: true, since: track.last ?? since, signal: this.#signal }
      const repeated = track.repetitions()
      for await (const line of this.#engine.logs(id, from)) {
        if (repeated(line.time)) continue
        track.saw(line.time)
        await this.#lines.push(named(container, line))
      }
    }
    track.isRead = false
  }

  #track(container: string): Track {
    const track = this.#tracks.get(container) ?? new Track()
    this.#tracks.set(container, track)
    return track
  }
}

/** How far a container's log has been read. */
class Track {
  /** The time of the last line. */
  last: string | undefined
  /** How many lines had this very time. */
  #count = 0
  /** Whether there is (more) to read. */
  pending = false
  isRead = false

  saw(time: string): void {
    this.#count = time === this.last ? this.#count + 1 : 1
    this.last = time
  }

  /** Tells, for a stream that begins at the last time again, which of its lines were read before. */
  repetitions(): (time: string) => boolean {
    const { last } = this
    let left = this.#count
    return (time) => last !== undefined && (time < last || (time === last && left-- > 0))
  }
}
