import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

/**
 * A reply as plain data: bulk and simple strings are strings, `undefined` is RESP2's missing list (a missing string is
 * null), an error is its text in an object, and RESP3's own types say their name.
 */
export type WireReply =
  | string
  | number
  | bigint
  | null
  | undefined
  | { readonly error: string }
  | { readonly map: WireReply[] }
  | { readonly set: WireReply[] }
  | { readonly push: WireReply[] }
  | { readonly double: string }
  | { readonly verbatim: string }
  | WireReply[]

/** A bare connection that speaks the protocol byte for byte: strings are bytes, one character each. */
export class WireClient {
  readonly #socket: Socket
  readonly #closed: Promise<void>
  readonly #waiting: ((reply: WireReply) => void)[] = []
  readonly #replies: WireReply[] = []
  #received = ''
  /** Everything that came in, unread or not. */
  transcript = ''
  /** How many pieces it came in. */
  chunkCount = 0

  static async open(port: number): Promise<WireClient> {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true })
    await once(socket, 'connect')
    return new WireClient(socket)
  }

  private constructor(socket: Socket) {
    this.#socket = socket
    this.#closed = new Promise((resolve) => socket.on('close', () => resolve()))
    // Being hung up on is no failure here.
    socket.on('error', () => {})
    socket.on('data', (chunk) => this.#receive(chunk.toString('latin1')))
  }

  /** Resolves when the server has hung up. */
  closed(): Promise<void> {
    return this.#closed
  }

  /** Sends one request and resolves with its reply. */
  call(...words: (string | number)[]): Promise<WireReply> {
    this.send(request(words))
    return this.next()
  }

  /** Sends several requests in one piece. */
  pipeline(requests: readonly (readonly (string | number)[])[]): Promise<WireReply[]> {
    this.send(requests.map(request).join(''))
    return Promise.all(requests.map(() => this.next()))
  }

  send(bytes: string): void {
    this.#socket.write(bytes, 'latin1')
  }

  /** Sends the last it has to say. */
  finish(bytes: string): void {
    this.#socket.end(bytes, 'latin1')
  }

  /** The next reply, or message. */
  next(): Promise<WireReply> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve)
      this.#deliver()
    })
  }

  /** Resolves when these bytes have come. */
  async heard(bytes: string): Promise<void> {
    while (!this.transcript.includes(bytes)) await once(this.#socket, 'data')
  }

  pause(): void {
    this.#socket.pause()
  }

  resume(): void {
    this.#socket.resume()
  }

  close(): void {
    this.#socket.destroy()
  }

  #receive(bytes: string): void {
    this.chunkCount += 1
    this.transcript += bytes
    this.#received += bytes
    const cursor = { bytes: this.#received, at: 0 }
    for (let end = 0; ; end = cursor.at) {
      const reply = parse(cursor)
      if (reply === incomplete) {
        this.#received = this.#received.slice(end)
        break
      }
      this.#replies.push(reply)
    }
    this.#deliver()
  }

  #deliver(): void {
    while (this.#replies.length > 0 && this.#waiting.length > 0) this.#waiting.shift()?.(this.#replies.shift())
  }
}

export function request(words: readonly (string | number)[]): string {
  return `*${words.length}\r\n${words.map((word) => `$${String(word).length}\r\n${word}\r\n`).join('')}`
}

const incomplete = Symbol('incomplete')

interface Cursor {
  readonly bytes: string
  at: number
}

function parse(cursor: Cursor): WireReply | typeof incomplete {
  const line = readLine(cursor)
  if (line === undefined) return incomplete
  const [type, rest] = [line.charAt(0), line.slice(1)]
  switch (type) {
    case '+':
      return rest
    case '-':
      return { error: rest }
    case ':':
      return Number.isSafeInteger(Number(rest)) ? Number(rest) : BigInt(rest)
    case ',':
      return { double: rest }
    case '_':
      return null
    case '$':
      return rest === '-1' ? null : readText(cursor, Number(rest))
    case '=': {
      const text = readText(cursor, Number(rest))
      return typeof text === 'string' ? { verbatim: text.slice(4) } : text
    }
    case '*':
      return rest === '-1' ? undefined : readItems(cursor, Number(rest))
    case '%':
      return tagged(readItems(cursor, Number(rest) * 2), (map) => ({ map }))
    case '~':
      return tagged(readItems(cursor, Number(rest)), (set) => ({ set }))
    case '>':
      return tagged(readItems(cursor, Number(rest)), (push) => ({ push }))
    default:
      throw new Error(`not a reply: ${JSON.stringify(line)}`)
  }
}

function readLine(cursor: Cursor): string | undefined {
  const end = cursor.bytes.indexOf('\r\n', cursor.at)
  if (end === -1) return undefined
  const line = cursor.bytes.slice(cursor.at, end)
  cursor.at = end + 2
  return line
}

function readText(cursor: Cursor, size: number): string | typeof incomplete {
  if (cursor.at + size + 2 > cursor.bytes.length) return incomplete
  const text = cursor.bytes.slice(cursor.at, cursor.at + size)
  cursor.at += size + 2
  return text
}

function readItems(cursor: Cursor, count: number): WireReply[] | typeof incomplete {
  const items: WireReply[] = []
  for (let index = 0; index < count; index++) {
    const item = parse(cursor)
    if (item === incomplete) return incomplete
    items.push(item)
  }
  return items
}

function tagged(
  items: WireReply[] | typeof incomplete,
  wrap: (items: WireReply[]) => WireReply,
): WireReply | typeof incomplete {
  return items === incomplete ? incomplete : wrap(items)
}
