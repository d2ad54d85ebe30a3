import { LineSplitter } from '../../lines.ts'
import type { EngineLogLine } from '../engine.ts'
import { FrameReader } from './frames.ts'

/** The engine cuts a line after so many bytes. */
const pieceBytes = 16 * 1024
const newline = 0x0a

/** Lines from a container without a terminal: each frame begins with its time. */
export async function* frameLines(chunks: AsyncIterable<Buffer>): AsyncGenerator<EngineLogLine> {
  const reader = new FrameReader()
  const splitters = { stdout: new LineSplitter(), stderr: new LineSplitter() }
  for await (const chunk of chunks) {
    for (const { stream, payload } of reader.push(chunk)) {
      // `2026-11-20T10:56:00.123456789Z `, also before each further piece of a line that the engine cut.
      const space = payload.indexOf(0x20)
      const time = payload.toString('latin1', 0, space)
      const written = payload.subarray(space + 1)
      for (const line of splitters[stream].push(written, time)) yield { stream, ...line }
      // Shorter than a piece: the last words of a process, which never ended their line.
      const isPiece = written.length >= pieceBytes || written.at(-1) === newline
      for (const line of isPiece ? [] : splitters[stream].end()) yield { stream, ...line }
    }
  }
  for (const stream of ['stdout', 'stderr'] as const) {
    for (const line of splitters[stream].end()) yield { stream, ...line }
  }
}

/** Lines from a container with a terminal: one stream, no frames. */
export async function* terminalLines(chunks: AsyncIterable<Buffer>): AsyncGenerator<EngineLogLine> {
  const reader = new TimedReader()
  const splitter = new LineSplitter()
  for await (const chunk of chunks) {
    for (const { time, payload } of reader.push(chunk)) {
      for (const line of splitter.push(payload, time)) yield { stream: 'stdout', ...line }
    }
  }
  for (const line of splitter.end()) yield { stream: 'stdout', ...line }
}

const timeBytes = '2026-11-20T10:56:00.123456789Z '.length
const timePattern = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z $/

/** Tells times from what was written: each line begins with one, and so does each piece of a line that was cut. */
class TimedReader {
  #rest: Buffer = Buffer.alloc(0)
  #time = ''
  /** Bytes until the next time, if no line ends before. */
  #left = 0

  push(chunk: Buffer): { time: string; payload: Buffer }[] {
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk])
    const pieces: { time: string; payload: Buffer }[] = []
    let at = 0
    while (at < bytes.length) {
      if (this.#left === 0) {
        if (bytes.length - at < timeBytes && !bytes.includes(newline, at)) break
        const time = bytes.toString('latin1', at, at + timeBytes)
        const isTime = timePattern.test(time)
        if (isTime) this.#time = time.trimEnd()
        if (isTime) at += timeBytes
        this.#left = pieceBytes
      }
      const ended = bytes.subarray(at, at + this.#left).indexOf(newline)
      const payload = bytes.subarray(at, ended === -1 ? at + this.#left : at + ended + 1)
      pieces.push({ time: this.#time, payload })
      at += payload.length
      this.#left = ended === -1 ? this.#left - payload.length : 0
    }
    this.#rest = bytes.subarray(at)
    return pieces
  }
}

/** RFC 3339 → the seconds that the engine takes, with all nine digits. */
export function unixTime(time: string | undefined): string | undefined {
  if (time === undefined) return undefined
  const [, whole = time, fraction = ''] = /^(.*?)(?:\.(\d+))?Z?$/.exec(time) ?? []
  return `${Date.parse(`${whole}Z`) / 1000}.${fraction.padEnd(9, '0')}`
}
