import { CeleryError } from '../errors.ts'
import { compressionFor, decompress } from './compression.ts'
import { isObject, isoDate, parseIsoDate } from './json.ts'
import type { Message } from './message.ts'
import { repr, reprArgs } from './repr.ts'
import { decode, encode, serializerFor } from './serializer.ts'
import { parseSignatureData, type SignatureData } from './signature-data.ts'
import { upgradeVersion1 } from './task-message-v1.ts'

/** A call of a task, as protocol version 2 carries it. Times of limits are seconds, as Celery has them. */
export interface TaskMessage {
  readonly task: string
  readonly id: string
  readonly args: readonly unknown[]
  readonly kwargs: Readonly<Record<string, unknown>>
  /** A display name for logs and events. */
  readonly shadow: string | null
  readonly eta: Date | null
  readonly expires: Date | null
  readonly group: string | null
  readonly groupIndex: number | null
  readonly retries: number
  readonly timeLimit: number | null
  readonly softTimeLimit: number | null
  readonly rootId: string
  readonly parentId: string | null
  readonly argsrepr: string
  readonly kwargsrepr: string
  /** `gen<pid>@<host>` of the publisher. */
  readonly origin: string | null
  readonly ignoreResult: boolean
  readonly replacedTaskNesting: number
  readonly stampedHeaders: readonly string[] | null
  readonly stamps: Readonly<Record<string, unknown>>
  /** The caller's own headers. */
  readonly headers: Readonly<Record<string, unknown>>
  readonly callbacks: readonly SignatureData[] | null
  readonly errbacks: readonly SignatureData[] | null
  /** What follows in the chain, in REVERSE order: the next step is the last element. */
  readonly chain: readonly SignatureData[] | null
  readonly chord: SignatureData | null
  readonly replyTo: string | null
  readonly correlationId: string
  readonly priority: number
  readonly deliveryMode: 1 | 2
}

type Given = Pick<TaskMessage, 'task' | 'id'> & Partial<TaskMessage>

/** Completes a call with Celery's defaults. */
export function taskMessage(given: Given): TaskMessage {
  const { id, args = [], kwargs = {} } = given
  return {
    args,
    kwargs,
    shadow: null,
    eta: null,
    expires: null,
    group: null,
    groupIndex: null,
    retries: 0,
    timeLimit: null,
    softTimeLimit: null,
    rootId: id,
    parentId: null,
    argsrepr: reprArgs(args),
    kwargsrepr: repr(kwargs),
    origin: null,
    ignoreResult: false,
    replacedTaskNesting: 0,
    stampedHeaders: null,
    stamps: {},
    headers: {},
    callbacks: null,
    errbacks: null,
    chain: null,
    chord: null,
    replyTo: null,
    correlationId: id,
    priority: 0,
    deliveryMode: 2,
    ...given,
  }
}

export interface Encoding {
  /** @default 'json' */
  readonly serializer?: string | undefined
  readonly compression?: string | null | undefined
}

/**
 * The message a Python worker would get from a Python client.
 *
 * @param now epoch milliseconds, from which `expires` becomes the broker's time to live
 * @throws {CeleryError} ENCODE_ERROR, CONTENT_DISALLOWED, UNSUPPORTED
 */
export function encodeTask(task: TaskMessage, now: number, encoding: Encoding = {}): Message {
  const { serializer: name = 'json' } = encoding
  const serializer = serializerFor(name, [name])
  const compression = encoding.compression ? compressionFor(encoding.compression) : undefined
  const embed = { callbacks: task.callbacks, errbacks: task.errbacks, chain: task.chain, chord: task.chord }
  const body = encode(serializer, [task.args, task.kwargs, embed], `the arguments of ${task.task}`)
  return {
    headers: {
      lang: 'js',
      task: task.task,
      id: task.id,
      shadow: task.shadow,
      eta: task.eta && isoDate(task.eta),
      expires: task.expires && isoDate(task.expires),
      group: task.group,
      group_index: task.groupIndex,
      retries: task.retries,
      timelimit: [task.timeLimit, task.softTimeLimit], // hard first, whatever Celery's protocol page says
      root_id: task.rootId,
      parent_id: task.parentId,
      argsrepr: task.argsrepr,
      kwargsrepr: task.kwargsrepr,
      origin: task.origin,
      ignore_result: task.ignoreResult,
      replaced_task_nesting: task.replacedTaskNesting,
      stamped_headers: task.stampedHeaders,
      stamps: task.stamps,
      ...task.headers,
      ...(compression && { compression: compression.contentType }),
    },
    properties: {
      correlationId: task.correlationId,
      replyTo: task.replyTo ?? '',
      deliveryMode: task.deliveryMode,
      priority: task.priority,
      ...(task.expires && { expiration: String(Math.max(0, task.expires.getTime() - now)) }),
    },
    contentType: serializer.contentType,
    contentEncoding: serializer.contentEncoding,
    body: compression ? compression.compress(body) : body,
  }
}

const protocolHeaders = new Set(
  `lang task id shadow eta expires group group_index retries timelimit root_id parent_id argsrepr kwargsrepr origin
   ignore_result replaced_task_nesting stamped_headers stamps compression`.split(/\s+/),
)

/**
 * Reads a task call of protocol 2, or of protocol 1, which has no headers. Everything but `task`, `id` and the body
 * may be missing.
 *
 * @throws {CeleryError} DECODE_ERROR naming what is wrong; CONTENT_DISALLOWED for other content types.
 */
export function decodeTask(message: Message, accept?: readonly string[]): TaskMessage {
  const { headers, body } = readCall(message, accept)
  const header = new HeaderReader(headers)
  const task = header.text('task') ?? malformed('the header `task` is missing')
  const id = header.text('id') ?? malformed('the header `id` is missing')
  const [args, kwargs, embed] = readBody(body)
  const [timeLimit, softTimeLimit] = header.timeLimits()
  return taskMessage({
    task,
    id,
    args,
    kwargs,
    shadow: header.text('shadow') || null,
    eta: header.date('eta'),
    expires: header.date('expires'),
    group: header.text('group'),
    groupIndex: header.number('group_index'),
    retries: header.number('retries') ?? 0,
    timeLimit,
    softTimeLimit,
    rootId: header.text('root_id') ?? id,
    parentId: header.text('parent_id'),
    argsrepr: header.text('argsrepr') ?? reprArgs(args),
    kwargsrepr: header.text('kwargsrepr') ?? repr(kwargs),
    origin: header.text('origin'),
    ignoreResult: headers.ignore_result === true,
    replacedTaskNesting: header.number('replaced_task_nesting') ?? 0,
    stampedHeaders: header.texts('stamped_headers'),
    stamps: asObject(headers.stamps) ?? {},
    headers: header.others(),
    callbacks: signatures(embed.callbacks),
    errbacks: signatures(embed.errbacks),
    chain: signatures(embed.chain),
    chord: embed.chord == null ? null : signature(embed.chord),
    replyTo: message.properties.replyTo || null,
    correlationId: message.properties.correlationId ?? id,
    priority: message.properties.priority,
    deliveryMode: message.properties.deliveryMode,
  })
}

/** The id of the task that a message calls, without a look at its body: in protocol 1 it is the correlation id. */
export function taskIdOf({ headers, properties }: Message): unknown {
  return headers.task === undefined ? properties.correlationId : headers.id
}

function readCall(message: Message, accept?: readonly string[]): { headers: Message['headers']; body: unknown } {
  const { headers, contentType } = message
  const { compression } = headers
  const bytes = typeof compression === 'string' ? decompress(message.body, compression) : message.body
  const body = decode(serializerFor(contentType, accept), bytes, 'the message body')
  return (headers.task === undefined && upgradeVersion1(body)) || { headers, body }
}

function readBody(body: unknown) {
  if (!Array.isArray(body) || body.length !== 3) malformed('the body is not [args, kwargs, embed]')
  const [args, kwargs, embed] = body as unknown[]
  if (!Array.isArray(args)) malformed('args is not a list')
  return [args, asObject(kwargs) ?? malformed('kwargs is not an object'), asObject(embed) ?? {}] as const
}

function signatures(value: unknown): SignatureData[] | null {
  if (value === null || value === undefined) return null
  if (!Array.isArray(value)) malformed('callbacks are not a list')
  return value.map(signature)
}

function signature(value: unknown): SignatureData {
  return parseSignatureData(value) ?? malformed('a callback is not a signature')
}

const asObject = (value: unknown) => (isObject(value) ? value : undefined)

function malformed(what: string): never {
  throw new CeleryError('DECODE_ERROR', `malformed task message: ${what}`)
}

/** Reads one header as the type it must have; absent and null are the same. */
class HeaderReader {
  readonly #headers: Message['headers']

  constructor(headers: Message['headers']) {
    this.#headers = headers
  }

  text(name: string): string | null {
    return this.#read(name, 'a string', (value) => typeof value === 'string')
  }

  number(name: string): number | null {
    return this.#read(name, 'a number', (value) => typeof value === 'number')
  }

  texts(name: string): string[] | null {
    return this.#read(
      name,
      'a list of strings',
      (value) => Array.isArray(value) && value.every((v) => typeof v === 'string'),
    )
  }

  date(name: string): Date | null {
    const text = this.text(name)
    return text === null ? null : (parseIsoDate(text) ?? malformed(`the header \`${name}\` is not an ISO 8601 time`))
  }

  timeLimits(): [number | null, number | null] {
    const isLimit = (value: unknown) => value === null || typeof value === 'number'
    const isPair = (value: unknown) => Array.isArray(value) && value.length === 2 && value.every(isLimit)
    return this.#read<[number | null, number | null]>('timelimit', '[hard, soft] in seconds', isPair) ?? [null, null]
  }

  others(): Record<string, unknown> {
    const stamps = this.texts('stamped_headers') ?? []
    const own = Object.keys(this.#headers).filter((name) => !protocolHeaders.has(name) && !stamps.includes(name))
    return Object.fromEntries(own.map((name) => [name, this.#headers[name]]))
  }

  #read<T>(name: string, wanted: string, fits: (value: unknown) => boolean): T | null {
    const value = this.#headers[name] ?? null
    if (value !== null && !fits(value)) malformed(`the header \`${name}\` is not ${wanted}`)
    return value as T | null
  }
}
