import { constants } from 'node:buffer'
import { splitWords } from './quoting.ts'

/** The client broke the protocol: it is told so, and the connection ends. */
export class ProtocolError extends Error {
  override readonly name = 'ProtocolError'
}

/** Redis's 512 MB, less the 24 bytes by which a JavaScript string ends earlier. */
export const maxBulkBytes = Math.min(512 * 1024 * 1024, constants.MAX_STRING_LENGTH)
const maxLineBytes = 64 * 1024
const maxWords = 2 ** 31 - 1
// Who has not authenticated gets to send a HELLO, not to fill the memory.
const maxWordsBeforeAuth = 10
const maxBulkBytesBeforeAuth = 16 * 1024

const carriageReturn = 0x0d
const lineFeed = 0x0a
const asterisk = 0x2a
const dollar = 0x24
const minus = 0x2d

/**
 * Bytes in, requests out: RESP arrays of bulk strings, or the inline form that people type. A request is a list of
 * words, one character per byte. It keeps its place in a half-arrived request, and joins a large value only once.
 */
export class RequestParser {
  #buffer: Buffer = Buffer.alloc(0)
  #offset = 0
  #arrived: Buffer[] = []
  #arrivedBytes = 0
  /** So many unread bytes are needed before another look is worth it. */
  #neededBytes = 1
  #words: string[] = []
  #wordsLeft = 0
  #bulkBytes = -1

  /** Bytes that wait to be read. */
  get backlogBytes(): number {
    return this.#buffer.length - this.#offset + this.#arrivedBytes
  }

  push(chunk: Buffer): void {
    this.#arrived.push(chunk)
    this.#arrivedBytes += chunk.length
  }

  /**
   * The next whole request; undefined until its last byte is here.
   *
   * @param trusted whether the client has authenticated: others get small limits.
   * @throws {ProtocolError} when the bytes are no request.
   */
  next(trusted: boolean): string[] | undefined {
    while (this.#gather()) {
      if (this.#wordsLeft === 0) {
        if (this.#buffer[this.#offset] !== asterisk) {
          const words = this.#readInline()
          if (words === undefined || words.length > 0) return words
          continue
        }
        if (!this.#readWordCount(trusted)) return undefined
      }
      while (this.#wordsLeft > 0) {
        const word = this.#readBulk(trusted)
        if (word === undefined) return undefined
        this.#words.push(word)
        this.#wordsLeft -= 1
      }
      if (this.#words.length > 0) return this.#takeWords()
    }
    return undefined
  }

  #takeWords(): string[] {
    const words = this.#words
    this.#words = []
    return words
  }

  #gather(): boolean {
    if (this.backlogBytes < this.#neededBytes) return false
    if (this.#arrivedBytes > 0) {
      const unread = this.#buffer.subarray(this.#offset)
      const [only] = this.#arrived
      this.#buffer =
        unread.length === 0 && only && this.#arrived.length === 1 ? only : Buffer.concat([unread, ...this.#arrived])
      this.#offset = 0
      this.#arrived = []
      this.#arrivedBytes = 0
    }
    this.#neededBytes = 1
    return true
  }

  #needMore(bytes: number): undefined {
    this.#neededBytes = bytes
  }

  #readInline(): string[] | undefined {
    const end = this.#buffer.indexOf(lineFeed, this.#offset)
    const unread = this.#buffer.length - this.#offset
    if (end === -1) {
      if (unread > maxLineBytes) throw new ProtocolError('too big inline request')
      return this.#needMore(unread + 1)
    }
    const line = this.#buffer.toString('latin1', this.#offset, end).replace(/\r$/, '')
    this.#offset = end + 1
    const words = splitWords(line)
    if (!words) throw new ProtocolError('unbalanced quotes in request')
    return words
  }

  #readWordCount(trusted: boolean): boolean {
    const count = this.#readNumber('too big mbulk count string')
    if (count === undefined) return false
    if (!(count <= maxWords)) throw new ProtocolError('invalid multibulk length')
    if (count > maxWordsBeforeAuth && !trusted) throw new ProtocolError('unauthenticated multibulk length')
    this.#wordsLeft = Math.max(0, count)
    return true
  }

  #readBulk(trusted: boolean): string | undefined {
    if (this.#bulkBytes < 0 && !this.#readBulkHeader(trusted)) return undefined
    const end = this.#offset + this.#bulkBytes
    if (end + 2 > this.#buffer.length) return this.#needMore(this.#bulkBytes + 2)
    const word = this.#buffer.toString('latin1', this.#offset, end)
    this.#offset = end + 2
    this.#bulkBytes = -1
    return word
  }

  #readBulkHeader(trusted: boolean): boolean {
    const first = this.#buffer[this.#offset]
    if (first !== undefined && first !== dollar) {
      throw new ProtocolError(`expected '$', got '${String.fromCharCode(first)}'`)
    }
    const bytes = this.#readNumber('too big bulk count string')
    if (bytes === undefined) return false
    if (!(bytes >= 0 && bytes <= maxBulkBytes)) throw new ProtocolError('invalid bulk length')
    if (bytes > maxBulkBytesBeforeAuth && !trusted) throw new ProtocolError('unauthenticated bulk length')
    this.#bulkBytes = bytes
    return true
  }

  /** The number of a `*3` or `$5` line; NaN when it is none, undefined when the line's end is still to come. */
  #readNumber(tooLong: string): number | undefined {
    const start = this.#offset + 1
    const end = this.#buffer.indexOf(carriageReturn, this.#offset)
    const unread = this.#buffer.length - this.#offset
    if (end === -1 || end + 1 >= this.#buffer.length) {
      if (unread > maxLineBytes) throw new ProtocolError(tooLong)
      return this.#needMore(unread + 1)
    }
    this.#offset = end + 2
    return parseNumber(this.#buffer, start, end)
  }
}

function parseNumber(bytes: Buffer, start: number, end: number): number {
  const negative = bytes[start] === minus
  let value = 0
  for (let at = negative ? start + 1 : start; at < end; at++) value = value * 10 + digit(bytes[at])
  const empty = end - start <= (negative ? 1 : 0)
  if (empty) return Number.NaN
  return negative ? -value : value
}

function digit(byte = 0): number {
  return byte >= 0x30 && byte <= 0x39 ? byte - 0x30 : Number.NaN
}
