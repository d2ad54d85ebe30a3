import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs'
import { dirname } from 'node:path'
import { Channel } from '../../channel.ts'
import type { EngineLogLine, LogOptions } from '../engine.ts'

/** Bytes of a file before the next is begun; one older file is kept. */
const fileLimit = 10 * 1024 * 1024

/**
 * What one process writes, bounded on disk and handed to those who follow. A line is
 * `2026-11-20T10:56:00.123Z O text`, `E` for standard error.
 */
export class ProcessLog {
  readonly #file: string
  readonly #limit: number
  readonly #followers = new Set<Channel<EngineLogLine>>()
  #fd: number | undefined
  #bytes = 0

  constructor(file: string, limit = fileLimit) {
    this.#file = file
    this.#limit = limit
  }

  /** A new container begins a new log: until then what the last one wrote could be read. */
  begin(): void {
    rmSync(this.#file, { force: true })
    rmSync(this.#olderFile, { force: true })
  }

  write(lines: readonly EngineLogLine[]): void {
    if (lines.length === 0) return
    const text = lines.map(({ time, stream, text }) => `${time} ${stream === 'stdout' ? 'O' : 'E'} ${text}\n`).join('')
    const file = this.#open()
    this.#bytes += writeSync(file, text)
    if (this.#bytes > this.#limit) this.#rotate()
    for (const follower of this.#followers) for (const line of lines) void follower.push(line)
  }

  /** The lines on disk; with `follow` also those to come, until the process ends. */
  async *read({ follow, tail, since, until }: LogOptions): AsyncGenerator<EngineLogLine> {
    const live = follow ? this.#follow() : undefined
    try {
      const lines = [this.#olderFile, this.#file].flatMap(readLines)
      const wanted = lines.filter(
        ({ time }) => (since === undefined || time >= since) && (until === undefined || time <= until),
      )
      yield* tail === undefined ? wanted : wanted.slice(Math.max(0, wanted.length - tail))
      if (live) yield* live
    } finally {
      if (live) this.#followers.delete(live)
    }
  }

  #follow(): Channel<EngineLogLine> {
    const channel = new Channel<EngineLogLine>()
    this.#followers.add(channel)
    return channel
  }

  /** The process ended: so do those who follow it. */
  end(): void {
    for (const follower of this.#followers) follower.close()
    this.#followers.clear()
    if (this.#fd !== undefined) closeSync(this.#fd)
    this.#fd = undefined
  }

  get #olderFile(): string {
    return `${this.#file}.1`
  }

  #open(): number {
    if (this.#fd !== undefined) return this.#fd
    mkdirSync(dirname(this.#file), { recursive: true })
    this.#fd = openSync(this.#file, 'a', 0o600) // results of tasks are nobody else's
    this.#bytes = statSync(this.#file).size
    return this.#fd
  }

  #rotate(): void {
    if (this.#fd !== undefined) closeSync(this.#fd)
    this.#fd = undefined
    rmSync(this.#olderFile, { force: true })
    renameSync(this.#file, this.#olderFile)
  }
}

function readLines(file: string): EngineLogLine[] {
  if (!existsSync(file)) return []
  return readFileSync(file, 'utf8')
    .split('\n')
    .flatMap((line): EngineLogLine[] => {
      const [, time, stream, text = ''] = /^(\S+) ([OE]) (.*)$/s.exec(line) ?? []
      return time === undefined ? [] : [{ time, stream: stream === 'O' ? 'stdout' : 'stderr', text }]
    })
}
