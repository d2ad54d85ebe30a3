import { setTimeout as sleep } from 'node:timers/promises'
import { Channel } from '../channel.ts'
import type { ContainerState, EngineEvent } from '../engine/engine.ts'
import { messageOf, StackError } from '../errors.ts'
import { Watch } from '../execute/watch.ts'
import { history, isUnreadable, isWanted, type LogLine, lineOf, type Named, notice, type Reading } from './history.ts'

type Events = AsyncIterable<EngineEvent>

/** Streams that are kept open through the lives of containers, and of the engine. */
export class Follower {
  readonly #reading: Reading
  readonly #lines = new Channel<LogLine>()
  readonly #tracks = new Map<string, Track>()

  constructor(reading: Reading) {
    this.#reading = reading
    onAbort(reading.signal, () => this.#lines.close())
  }

  /** What a container wrote so far, of which nothing will come again. */
  async *history(container: ContainerState): AsyncGenerator<LogLine> {
    const { options } = this.#reading
    const { position } = this.#track(container.id, container)
    // Also of a log whose lines are not wanted the end must be known; the clock of the engine may not be ours.
    const tail = options.tail === 0 ? 1 : options.tail
    for await (const line of history(container, { ...this.#reading, options: { ...options, tail } })) {
      if (line.stream !== 'notice') position.saw(line.time)
      if (options.tail !== 0) yield line
    }
  }

  /** What comes, in the order of its arrival. A reader who is slow holds the streams back. */
  lines(events: Events, containers: readonly ContainerState[]): AsyncIterable<LogLine> {
    const { options, signal } = this.#reading
    if (options.until !== undefined) onAbort(past(options.until, signal), () => this.#lines.close())
    this.#run(events, containers).then(
      () => this.#lines.close(),
      (error: unknown) => this.#lines.close(signal.aborted ? undefined : error),
    )
    return this.#lines
  }

  /** Until nothing of the project is left. */
  async #run(first: Events, there: readonly ContainerState[]): Promise<void> {
    let [events, containers] = [first, there]
    while (!(await this.#watch(events, containers))) {
      ;[events, containers] = await this.#reconnect()
      const ids = new Set(containers.map(({ id }) => id))
      for (const id of this.#tracks.keys()) if (!ids.has(id)) this.#tracks.delete(id)
      if (containers.length === 0) return
    }
  }

  /** Whether nothing is left; the engine may go away before. */
  async #watch(events: Events, containers: readonly ContainerState[]): Promise<boolean> {
    for (const container of containers) this.#follow(container.id, container)
    try {
      for await (const event of events) {
        if (isWanted(event, this.#reading.options)) this.#react(event)
        if (event.action === 'destroy' && this.#tracks.size === 0) return true
      }
    } catch (thrown) {
      this.#reading.signal.throwIfAborted()
      if (isAway(thrown)) void this.#lines.push(notice(`${messageOf(thrown)}; waiting for it to come back`))
    }
    return false
  }

  async #reconnect(): Promise<[Events, readonly ContainerState[]]> {
    const { engine, project, options, signal } = this.#reading
    for (let attempt = 0; ; attempt++) {
      try {
        const events = (await Watch.open(engine, project, signal)).all()
        const containers = (await engine.containers(project)).filter((container) => isWanted(container, options))
        if (attempt > 0) void this.#lines.push(notice('the engine is back'))
        return [events, containers]
      } catch (thrown) {
        if (!isAway(thrown)) throw thrown
        await sleep(pauseMs(attempt), undefined, { signal })
      }
    }
  }

  #react({ action, container, name, labels, exitCode }: EngineEvent): void {
    if (action === 'destroy') {
      this.#tracks.delete(container)
      return
    }
    const track = this.#track(container, { name, labels })
    if (action === 'start') this.#follow(container, { name, labels })
    if (action === 'die') {
      track.exitCode = exitCode
      if (!track.isRead) this.#tellEnd(track)
    }
  }

  /** Reads until the container ends; a start that comes meanwhile is the next thing to read. */
  #follow(id: string, named: Named): void {
    const track = this.#track(id, named)
    track.isPending = true
    if (track.isRead) return
    track.isRead = true
    this.#read(id, track).catch((thrown: unknown) => {
      if (!isUnreadable(thrown)) return this.#lines.close(thrown)
      void this.#lines.push(notice(thrown.message, track.named))
    })
  }

  async #read(id: string, track: Track): Promise<void> {
    const { signal } = this.#reading
    try {
      for (let attempt = 0; track.isPending && !signal.aborted; ) {
        track.isPending = false
        try {
          await this.#readOnce(id, track)
          attempt = 0
        } catch (thrown) {
          if (!isAway(thrown)) throw thrown
          track.isPending = this.#tracks.get(id) === track
          await sleep(pauseMs(attempt++), undefined, { signal }).catch(() => {})
        }
        this.#tellEnd(track)
      }
    } finally {
      track.isRead = false
    }
  }

  /** From where it was left to the end of the stream. */
  async #readOnce(id: string, { position, named }: Track): Promise<void> {
    const { engine, options, signal } = this.#reading
    const isRepeated = position.repetitions()
    const since = position.begin ?? options.since
    for await (const line of engine.logs(id, { follow: true, since, until: options.until, signal })) {
      if (isRepeated(line.time) || (options.until !== undefined && line.time > options.until)) continue
      position.saw(line.time)
      await this.#lines.push(lineOf(named, line))
    }
  }

  /** After its last words. */
  #tellEnd(track: Track): void {
    if (track.exitCode === undefined) return
    void this.#lines.push(notice(`exited with code ${track.exitCode}`, track.named))
    track.exitCode = undefined
  }

  #track(container: string, named: Named): Track {
    const track = this.#tracks.get(container) ?? new Track(named)
    track.named = named
    this.#tracks.set(container, track)
    return track
  }
}

/** A container whose log is followed. */
class Track {
  /** A container made in place of another has the name of that one only when it is gone. */
  named: Named
  readonly position = new Position()
  /** Whether there is (more) to read. */
  isPending = false
  isRead = false
  /** Of a run that ended and whose end was not told yet. */
  exitCode: number | undefined

  constructor(named: Named) {
    this.named = named
  }
}

/**
 * How far a log has been read, by the times of its last lines. The streams of one process are written down by two
 * hands, so that times are not quite in order; but what was read once comes again in the same order.
 */
export class Position {
  #times: string[] = []

  saw(time: string): void {
    if (this.#times.push(time) >= 2 * remembered) this.#times = this.#times.slice(-remembered)
  }

  /** Where a stream has to begin so that nothing is missed; undefined before the first line. */
  get begin(): string | undefined {
    return this.#times.toSorted()[0]
  }

  /** Tells, for the lines of a stream that begins there, which of them were read before. */
  repetitions(): (time: string) => boolean {
    const { begin = '' } = this
    const times = [...this.#times]
    let next = 0
    return (time) => {
      if (next === times.length) return false
      const found = times.indexOf(time, next)
      if (found !== -1) next = found + 1
      return found !== -1 || time < begin
    }
  }
}

/** Lines. Far more than can be out of order. */
const remembered = 500

/** The engine does not answer: it may again. */
function isAway(thrown: unknown): boolean {
  return thrown instanceof StackError && (thrown.code === 'DOCKER_UNREACHABLE' || thrown.code === 'EMBEDDED_FAILED')
}

const pauseMs = (attempt: number) => Math.min(5000, 100 * 2 ** attempt)

/** Aborts when a time has come; a moment later, as what was written before may still be on its way. */
function past(time: string, signal: AbortSignal): AbortSignal {
  const leftMs = Math.max(0, Date.parse(time) - Date.now())
  return AbortSignal.any([signal, AbortSignal.timeout(Math.min(leftMs + 250, 2 ** 31 - 1))])
}

function onAbort(signal: AbortSignal, run: () => void): void {
  if (signal.aborted) run()
  else signal.addEventListener('abort', run, { once: true })
}
