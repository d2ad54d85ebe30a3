import { StringDecoder } from 'node:string_decoder'

/** A line and when it was written. */
export interface TimedLine {
  /** Of the line's first byte. */
  readonly time: string
  readonly text: string
}

/** A line longer than this is handed out in pieces. */
export const longestLine = 64 * 1024

/**
 * Makes lines of what a process writes, piece by piece. A progress bar that redraws itself with carriage returns
 * becomes the line it last was.
 */
export class LineSplitter {
  readonly #decoder = new StringDecoder('utf8')
  #rest = ''
  #time = ''

  push(chunk: Uint8Array, time: string): TimedLine[] {
    if (this.#rest === '') this.#time = time
    const parts = (this.#rest + this.#decoder.write(chunk)).split('\n')
    this.#rest = parts.pop() ?? ''
    const lines = parts.flatMap((part, index) => shownLines(index === 0 ? this.#time : time, part))
    if (lines.length > 0) this.#time = time
    while (this.#rest.length > longestLine) {
      lines.push({ time: this.#time, text: this.#rest.slice(0, longestLine) })
      this.#rest = this.#rest.slice(longestLine)
    }
    return lines
  }

  /** The last line, when it was not ended. */
  end(): TimedLine[] {
    const rest = this.#rest + this.#decoder.end()
    this.#rest = ''
    return rest === '' ? [] : shownLines(this.#time, rest)
  }
}

/** What is left to see of a line when its carriage returns have done their work, cut if it is too long. */
export function shownLines(time: string, line: string): TimedLine[] {
  const text = line.replace(/\r+$/, '').split('\r').at(-1) ?? ''
  const count = Math.max(1, Math.ceil(text.length / longestLine))
  return Array.from({ length: count }, (_, index) => ({
    time,
    text: text.slice(index * longestLine, (index + 1) * longestLine),
  }))
}
