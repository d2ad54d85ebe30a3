import type { Exchange, Queue } from '../../protocol/entity.ts'

/** kombu's key layout (§4.2 of its Redis transport): every name that both languages must agree on. */

const separator = '\x06\x16'

/** A message goes to the largest step not above its priority. On Redis 0 is the most urgent. */
export const prioritySteps: readonly number[] = [0, 3, 6, 9]

export const unackedKey = 'unacked'
export const unackedIndexKey = 'unacked_index'
export const unackedMutexKey = 'unacked_mutex'
/** Ours: what nobody could carry out, kept for people to look at. */
export const deadLetterKey = 'celery-sandbox.dead-letter'

export function listKey(queue: string, priority: number): string {
  const step = prioritySteps.findLast((candidate) => candidate <= priority) ?? 0
  return step === 0 ? queue : `${queue}${separator}${step}`
}

/** The queue that a list belongs to. */
export const queueOfList = (key: string): string => key.replace(/\x06\x16\d+$/, '')

/** A queue's lists, most urgent first. */
export const listKeys = (queue: string): string[] => prioritySteps.map((step) => listKey(queue, step))

export const bindingKey = (exchange: string): string => `_kombu.binding.${exchange}`

/** Member of a binding set: `routing key, pattern, queue`. */
export function bindingMember({ exchange, routingKey, name }: Queue): string {
  const pattern = exchange.type === 'topic' ? topicRegex(routingKey) : ''
  return [routingKey, pattern, name].join(separator)
}

/** The queues that a set of binding members sends a routing key to. */
export function boundQueues(members: readonly string[], exchange: Exchange, routingKey: string): string[] {
  const bindings = members.map((member) => member.split(separator))
  const matching = bindings.filter(([key = '', pattern = '']) =>
    exchange.type === 'topic' && pattern ? new RegExp(pattern).test(routingKey) : key === routingKey,
  )
  return [...new Set(matching.map((fields) => fields[2] ?? ''))].filter((queue) => queue !== '')
}

// As kombu writes it: `a.*` → `^a\..*?[^\.]$`, `a.#` → `^a\..*?$`.
function topicRegex(routingKey: string): string {
  const words = routingKey.split('.').map((word) => (word === '*' ? '.*?[^\\.]' : word === '#' ? '.*?' : word))
  return `^${words.join('\\.')}$`
}

/** Where a fanout exchange is published. */
export function channel(db: number, exchange: string, routingKey: string): string {
  return routingKey ? `/${db}.${exchange}/${routingKey}` : `/${db}.${exchange}`
}

/** What a queue bound to a fanout exchange subscribes to; `#` becomes Redis's `*`. */
export function channelPattern(db: number, { exchange, routingKey }: Queue): string {
  return channel(db, escapeGlob(exchange.name), routingKey.replaceAll('#', '*'))
}

const escapeGlob = (text: string) => text.replace(/[?*[\]\\]/g, '\\$&')
