import { beginsAs } from '../../pattern.ts'
import type { Exchange, Queue } from '../../protocol/entity.ts'
import type { Binding, TransportOptions } from '../transport.ts'

type KeyOptions = Pick<
  TransportOptions,
  'globalKeyprefix' | 'sep' | 'prioritySteps' | 'fanoutPrefix' | 'fanoutPatterns'
>

/** kombu's key layout (§4.2 of its Redis transport): every name that both languages must agree on. */
export class Keys {
  readonly unacked: string
  readonly unackedIndex: string
  readonly unackedMutex: string
  /** Ours: what nobody could carry out, kept for people to look at. */
  readonly deadLetters: string
  /** A message goes to the largest step not above its priority. On Redis the first is the most urgent. */
  readonly prioritySteps: readonly number[]
  readonly #db: number
  readonly #options: KeyOptions

  constructor(db: number, options: KeyOptions) {
    this.#db = db
    this.#options = options
    this.prioritySteps = options.prioritySteps.toSorted((a, b) => a - b)
    this.unacked = this.#prefixed('unacked')
    this.unackedIndex = this.#prefixed('unacked_index')
    this.unackedMutex = this.#prefixed('unacked_mutex')
    this.deadLetters = this.#prefixed('celery-sandbox.dead-letter')
  }

  list(queue: string, priority: number): string {
    // As kombu: what is below all steps goes to the last.
    const step = this.prioritySteps.findLast((candidate) => candidate <= priority) ?? this.prioritySteps.at(-1) ?? 0
    return this.#prefixed(step === 0 ? queue : `${queue}${this.#options.sep}${step}`)
  }

  /** A queue's lists, most urgent first. */
  lists(queue: string): string[] {
    return this.prioritySteps.map((step) => this.list(queue, step))
  }

  /** The queue that a list belongs to. */
  queueOf(list: string): string {
    const { globalKeyprefix, sep } = this.#options
    const name = list.slice(globalKeyprefix.length)
    const at = name.lastIndexOf(sep)
    return at > 0 && /^\d+$/.test(name.slice(at + sep.length)) ? name.slice(0, at) : name
  }

  binding(exchange: string): string {
    return this.#prefixed(`_kombu.binding.${exchange}`)
  }

  /** Member of a binding set: `routing key, pattern, queue`. */
  bindingMember({ exchange, routingKey, name }: Queue): string {
    const pattern = exchange.type === 'topic' ? topicRegex(routingKey) : ''
    return [routingKey, pattern, name].join(this.#options.sep)
  }

  /** Matches the keys of all bindings. */
  get bindingsPattern(): string {
    return `${escapeGlob(this.binding(''))}*`
  }

  /** A member of a binding set, read. */
  boundBy(key: string, member: string): Binding {
    const [routingKey = '', , queue = ''] = member.split(this.#options.sep)
    return { queue, exchange: key.slice(this.binding('').length), routingKey }
  }

  /** The queues that a set of binding members sends a routing key to. */
  boundQueues(members: readonly string[], exchange: Exchange, routingKey: string): string[] {
    const bindings = members.map((member) => member.split(this.#options.sep))
    const matching = bindings.filter(([key = '', pattern = '']) =>
      exchange.type === 'topic' && pattern ? beginsAs(pattern, routingKey) : key === routingKey,
    )
    return [...new Set(matching.map((fields) => fields[2] ?? ''))].filter((queue) => queue !== '')
  }

  /** Where a fanout exchange is published. */
  channel(exchange: string, routingKey: string): string {
    const { fanoutPrefix, fanoutPatterns } = this.#options
    const name = fanoutPrefix ? `/${this.#db}.${exchange}` : exchange
    return this.#prefixed(routingKey && fanoutPatterns ? `${name}/${routingKey}` : name)
  }

  /** What a queue bound to a fanout exchange subscribes to; `#` becomes Redis's `*`. */
  channelPattern({ exchange, routingKey }: Queue): string {
    return this.channel(escapeGlob(exchange.name), routingKey.replaceAll('#', '*'))
  }

  #prefixed(key: string): string {
    return `${this.#options.globalKeyprefix}${key}`
  }
}

// As kombu writes it: `a.*` → `^a\..*?[^\.]$`, `a.#` → `^a\..*?$`.
function topicRegex(routingKey: string): string {
  const words = routingKey.split('.').map((word) => (word === '*' ? '.*?[^\\.]' : word === '#' ? '.*?' : word))
  return `^${words.join('\\.')}$`
}

const escapeGlob = (text: string) => text.replace(/[?*[\]\\]/g, '\\$&')
