import { stripVTControlCharacters } from 'node:util'

/** A block of lines that is drawn in the place of the one before, cut to what the terminal has room for. */
export class Redraw {
  readonly #stream: NodeJS.WriteStream
  #lines = 0

  constructor(stream: NodeJS.WriteStream) {
    this.#stream = stream
  }

  show(text: string): void {
    const { rows = 24, columns = 80 } = this.#stream
    // A line that wraps, or a block as high as the terminal, could not be drawn over.
    const lines = text.split('\n').slice(0, Math.max(1, rows - 1))
    const shown = lines.map((line) => (stripVTControlCharacters(line).length < columns ? line : cut(line, columns - 1)))
    const back = this.#lines > 0 ? `\x1b[${this.#lines}A\x1b[J` : ''
    this.#stream.write(`${back}${shown.join('\n')}\n`)
    this.#lines = shown.length
  }
}

/** Colours end with the text that is cut off. */
function cut(line: string, width: number): string {
  return stripVTControlCharacters(line).slice(0, Math.max(1, width))
}
