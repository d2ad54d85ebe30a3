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
 * Makes lines of what a process writes, piece by piece; the work grows with what is written, however it is cut. A
 * progress bar that redraws itself with carriage returns becomes the line it last was.
 */
export class LineSplitter {
  readonly #decoder = new StringDecoder('utf8')
  #rest = ''
  #time = ''

  push(chunk: Uint8Array, time: string): TimedLine[] {
    if (this.#rest === '') this.#time = time
    const text = this.#decoder.write(chunk)
    const lines: TimedLine[] = []
    let at = 0
    for (let end = text.indexOf('\n'); end !== -1; end = text.indexOf('\n', at)) {
      pushShown(lines, this.#time, this.#rest + text.slice(at, end))
      this.#rest = ''
      this.#time = time
      at = end + 1
    }
    this.#rest += text.slice(at)
    while (this.#rest.length > longestLine) {
      lines.push({ time: this.#time, text: this.#rest.slice(0, longestLine) })
      this.#rest = this.#rest.slice(longestLine)
    }
    return lines
  }

  /** The last line, when it was not ended. */
  end(): TimedLine[] {
    const lines: TimedLine[] = []
    const rest = this.#rest + this.#decoder.end()
    this.#rest = ''
    if (rest !== '') pushShown(lines, this.#time, rest)
    return lines
  }
}

/** What is left to see of a line when its carriage returns have done their work, cut if it is too long. */
function pushShown(lines: TimedLine[], time: string, line: string): void {
  let end = line.length
  while (line[end - 1] === '\r') end--
  const text = line.slice(end === 0 ? 0 : line.lastIndexOf('\r', end - 1) + 1, end)
  for (let at = 0; at === 0 || at < text.length; at += longestLine) {
    lines.push({ time, text: text.slice(at, at + longestLine) })
  }
}
