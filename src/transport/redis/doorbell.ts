import { CeleryError, messageOf } from '../../errors.ts'
import type { Logger } from '../../log.ts'
import type { ConnectOptions, Redis } from './connection.ts'

/** Where Redis tells a client of protocol 2 which keys changed. */
const channel = '__redis__:invalidate'

/**
 * Tells when a list may have something, without taking it. Redis can wait only by taking, and then for what it takes;
 * but it tells a client that caches a key once, when that key changes. So a consumer that finds nothing asks for the
 * lengths of its lists, which is to cache them, and looks again when it is told. One connection serves all consumers
 * of a transport.
 */
export class Doorbell {
  readonly #commands: Redis
  readonly #connect: (extra: Partial<ConnectOptions>) => Promise<Redis>
  readonly #log: Logger
  #bell: Promise<Redis> | undefined
  #bellId = 0
  #rung = Promise.withResolvers<void>()

  constructor(commands: Redis, connect: (extra: Partial<ConnectOptions>) => Promise<Redis>, log: Logger) {
    this.#commands = commands
    this.#connect = connect
    this.#log = log
  }

  /** Hangs the bell; again for each consumer does nothing more. */
  async start(): Promise<void> {
    this.#bell ??= this.#hang()
    await this.#bell
  }

  async #hang(): Promise<Redis> {
    const bell = await this.#connect({ hearsInvalidations: true })
    bell.on('message', () => this.ring())
    await this.#listen(bell).catch(refused)
    // Either connection may be a new one some day, that knows nothing of the other.
    const later = (tie: () => Promise<void>) => () =>
      tie().catch((error) => this.#log.debug(`the doorbell is not tied yet: ${messageOf(error)}`))
    bell.on(
      'ready',
      later(() => this.#listen(bell)),
    )
    this.#commands.on(
      'ready',
      later(() => this.#track()),
    )
    return bell
  }

  async #listen(bell: Redis): Promise<void> {
    this.#bellId = await bell.client('ID')
    await bell.subscribe(channel)
    await this.#track()
  }

  async #track(): Promise<void> {
    await this.#commands.call('CLIENT', 'TRACKING', 'ON', 'REDIRECT', this.#bellId)
    this.ring()
  }

  /** Everyone looks again. */
  ring(): void {
    this.#rung.resolve()
    this.#rung = Promise.withResolvers()
  }

  /** Resolves when one of the lists has something, and whenever it is worth a look. */
  async wait(lists: readonly string[]): Promise<void> {
    const rung = this.#rung.promise
    if (await this.#areEmpty(lists)) await rung
  }

  async #areEmpty(lists: readonly string[]): Promise<boolean> {
    try {
      const lengths = await Promise.all(lists.map((list) => this.#commands.llen(list)))
      return lengths.every((length) => length === 0)
    } catch {
      // The connection is down; the bell rings when it is back.
      return true
    }
  }
}

function refused(cause: unknown): never {
  if (!(cause instanceof Error) || cause.name !== 'ReplyError') throw cause
  const next = 'Use Redis 6.2 or newer, and without a proxy before it.'
  throw new CeleryError('UNSUPPORTED', `the server does not tell when its keys change: ${cause.message}`, {
    cause,
    next,
  })
}
