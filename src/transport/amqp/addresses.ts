import type { Options } from 'amqplib'
import { addressesOf, parseUrl } from '../../url.ts'
import { type TlsOptions, tlsOptions } from '../tls.ts'

/** One broker, or several that stand in for each other in turn. */
export class Addresses {
  readonly #all: readonly Options.Connect[]
  #place = 0
  /** amqplib connects to whatever this says at the time. */
  readonly current: Options.Connect
  /** What an encrypted connection needs. */
  readonly tls: TlsOptions

  constructor(url: string) {
    const urls = addressesOf(url)
    this.#all = urls.map(connectOptions)
    this.current = { ...this.#all[0] }
    const encrypted = urls.map(parseUrl).find(({ scheme }) => scheme === 'amqps')
    this.tls = encrypted ? tlsOptions(encrypted.query) : {}
  }

  get count(): number {
    return this.#all.length
  }

  advance(): void {
    this.#place = (this.#place + 1) % this.#all.length
    Object.assign(this.current, this.#all[this.#place])
  }
}

function connectOptions(url: string): Options.Connect {
  const { scheme, hostname, port, username, password, path, query } = parseUrl(url)
  const isTls = scheme === 'amqps'
  return {
    protocol: isTls ? 'amqps' : 'amqp',
    hostname: hostname || '127.0.0.1',
    port: port ?? (isTls ? 5671 : 5672),
    username: username ?? 'guest',
    password: password ?? 'guest',
    vhost: path === '' ? '/' : path, // `amqp://host//` and `amqp://host` both mean the virtual host `/`
    heartbeat: Number(query.heartbeat ?? 30),
  }
}
