import type { Socket } from 'node:net'
import type { Client, Outlet } from './client.ts'
import { dispatch } from './dispatcher.ts'
import { RedisError } from './redis-error.ts'
import { ProtocolError, RequestParser } from './request.ts'
import type { Server } from './server.ts'

/** Replies beyond this have to go out before the client's next request runs. */
const outputLimitBytes = 1024 * 1024
/** A subscriber that leaves more than this unread is dropped: nobody can slow the publishers down. */
const unreadLimitBytes = 32 * 1024 * 1024
/** What a client may send while its last command blocks. */
const backlogLimitBytes = 1024 * 1024 * 1024

/** One client's socket: bytes in, requests to the dispatcher, replies out in one write per tick. */
export class Connection implements Outlet {
  readonly #socket: Socket
  readonly #server: Server
  readonly #client: Client
  readonly #parser = new RequestParser()
  #output: string[] = []
  #outputBytes = 0
  #flush: NodeJS.Immediate | undefined
  /** The client reads too slowly: it is not read from either, until it has caught up. */
  #congested = false
  /** The client has said all it wanted to say. */
  #finished = false
  /** The next write is the last. */
  #ending = false

  constructor(socket: Socket, server: Server) {
    this.#socket = socket
    this.#server = server
    this.#client = server.connect(`${socket.remoteAddress}:${socket.remotePort}`, this)
    socket.on('data', (chunk) => this.#receive(chunk))
    socket.on('drain', () => this.#relieve())
    socket.on('end', () => this.#finish())
    socket.on('close', () => this.destroy())
    socket.on('error', (error) => server.log.debug(`the embedded broker lost a client: ${error.message}`))
  }

  write(bytes: string): void {
    this.#output.push(bytes)
    this.#outputBytes += bytes.length
    // After everything that this tick brings: replies to a pipeline, and to several clients' pushes, leave together.
    this.#flush ??= setImmediate(() => {
      this.#writeOut()
      this.#serve()
    })
  }

  end(): void {
    this.#ending = true
    this.write('')
  }

  /** Hangs up now, whatever is still unsent. */
  destroy(): void {
    this.#server.disconnect(this.#client)
    clearImmediate(this.#flush)
    this.#socket.destroy()
  }

  #receive(chunk: Buffer): void {
    this.#parser.push(chunk)
    this.#serve()
    if (this.#parser.backlogBytes > backlogLimitBytes) this.destroy()
  }

  #finish(): void {
    this.#finished = true
    this.#serve()
  }

  /** Runs the requests that have arrived, as far as the client may go on. */
  #serve(): void {
    try {
      for (let request = this.#next(); request; request = this.#next()) dispatch(this.#server, this.#client, request)
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error
      this.#client.send(new RedisError(`ERR Protocol error: ${error.message}`))
      this.end()
    }
    if (this.#finished && !this.#ending && !this.#isHeldUp()) this.#leave()
  }

  #next(): string[] | undefined {
    if (this.#client.waiting || this.#ending || this.#isHeldUp()) return undefined
    return this.#parser.next(this.#client.authenticated)
  }

  #isHeldUp(): boolean {
    return this.#congested || this.#outputBytes >= outputLimitBytes
  }

  /** Gives up what the client was waiting for: nobody is there to receive it. */
  #leave(): void {
    this.#server.disconnect(this.#client)
    this.end()
  }

  #writeOut(): void {
    const pieces = this.#outputBytes < outputLimitBytes ? [this.#output.join('')] : this.#output
    this.#flush = undefined
    this.#output = []
    this.#outputBytes = 0
    this.#socket.cork()
    // One character is one byte everywhere here, which is what latin1 means.
    for (const piece of pieces) this.#congested = !this.#socket.write(piece, 'latin1')
    this.#socket.uncork()
    if (this.#ending) this.#socket.destroySoon()
    else if (this.#congested) this.#hold()
  }

  #hold(): void {
    this.#socket.pause()
    const isListening = this.#client.subscriptionCount > 0 || this.#server.monitors.has(this.#client)
    if (isListening && this.#socket.writableLength > unreadLimitBytes) this.destroy()
  }

  #relieve(): void {
    this.#congested = false
    this.#socket.resume()
    this.#serve()
  }
}
