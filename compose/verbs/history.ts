import type { ContainerState, Engine, EngineLogLine } from '../engine/engine.ts'
import { StackError } from '../errors.ts'
import { isOneOff, serviceOf } from '../identity/labels.ts'

/** One line of a container of the project. */
export interface LogLine {
  readonly service: string
  readonly container: string
  /** `notice`: nothing a container wrote, but what became of it, or of the engine where no container is named. */
  readonly stream: 'stdout' | 'stderr' | 'notice'
  /** RFC 3339, UTC; nine digits of a second from Docker. Lines of a history come in its order. */
  readonly time: string
  /** One line without its end; control characters are left in. */
  readonly text: string
}

/** Which lines. */
export interface LogsOptions {
  /** All services when empty. */
  readonly services?: readonly string[] | undefined
  /** Goes on with what comes, until the signal aborts, `until` is past or nothing of the project is left. */
  readonly follow?: boolean | undefined
  /** The last so many lines of each container. */
  readonly tail?: number | undefined
  /** RFC 3339, UTC, with nine digits of a second. */
  readonly since?: string | undefined
  /** Likewise; nothing later. */
  readonly until?: string | undefined
  readonly signal?: AbortSignal | undefined
}

/** Whose logs are read, and what of them. */
export interface Reading {
  readonly engine: Engine
  readonly project: string
  readonly options: LogsOptions
  readonly signal: AbortSignal
}

/** By what the lines of a container are known. */
export type Named = Pick<ContainerState, 'name' | 'labels'>

/** Whether a container's log was asked for. */
export function isWanted({ labels }: Named, { services = [] }: LogsOptions): boolean {
  return !isOneOff(labels) && (services.length === 0 || services.includes(serviceOf(labels)))
}

/** What a container wrote so far. */
export async function* history(container: ContainerState, reading: Reading): AsyncGenerator<LogLine> {
  const { tail, since, until } = reading.options
  try {
    const lines = reading.engine.logs(container.id, { tail, since, until, signal: reading.signal })
    for await (const line of lines) yield lineOf(container, line)
  } catch (thrown) {
    if (!isUnreadable(thrown)) throw thrown
    yield notice(thrown.message, container)
  }
}

/** The engine keeps no log of this container: the others have theirs. */
export function isUnreadable(thrown: unknown): thrown is StackError {
  return thrown instanceof StackError && thrown.code === 'LOGS_UNREADABLE'
}

/** A line with the names of its container. */
export function lineOf({ name, labels }: Named, { stream, time, text }: EngineLogLine): LogLine {
  return { service: serviceOf(labels), container: name, stream, time, text }
}

/** What no container wrote: about one of them, or about all. */
export function notice(text: string, { name, labels }: Named = { name: '', labels: {} }): LogLine {
  return { service: serviceOf(labels), container: name, stream: 'notice', time: new Date().toISOString(), text }
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
