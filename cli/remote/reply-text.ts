import { repr } from '../../src/index.ts'
import type { Paint } from '../output/paint.ts'
import { sanitize } from '../output/sanitize.ts'

export interface ReplyEvent {
  readonly type: 'reply'
  readonly command: string
  readonly node: string
  readonly reply: unknown
}

/** How Celery's command line shows what a node replied: `->  w1@host: OK`, and below it what it said. */
export function replyText({ node, reply }: ReplyEvent, paint: Paint, { withBody = true } = {}): string {
  const [isOk, body] = read(reply, paint)
  const head = `${paint.strong('->')}  ${paint.name(`${sanitize(node)}:`)} ${isOk ? paint.good('OK') : paint.bad('ERROR')}`
  return withBody && body !== '' ? `${head}\n${indented(body)}` : head
}

/** `1 node online.`, after an empty line. */
export const onlineText = (nodes: number): string => `\n${nodes} ${nodes === 1 ? 'node' : 'nodes'} online.`

function read(reply: unknown, paint: Paint): [isOk: boolean, body: string] {
  if (!isRecord(reply)) return [true, plain(reply, paint)]
  if ('ok' in reply) return [true, indented(read(reply.ok, paint)[1])]
  if ('error' in reply) return [false, indented(read(reply.error, paint)[1])]
  return [true, sanitize(pythonJson(reply))]
}

function plain(reply: unknown, paint: Paint): string {
  if (!Array.isArray(reply)) return sanitize(text(reply))
  return reply.length === 0
    ? '- empty -'
    : reply.map((item) => `${paint.strong('*')} ${sanitize(text(item))}`).join('\n')
}

/** As Python's `str`. */
const text = (value: unknown) => (typeof value === 'string' ? value : repr(value, Number.POSITIVE_INFINITY))

const indented = (lines: string) => lines.replace(/^/gm, '    ')

/** As Python's json module writes it with sorted keys: everything beyond ASCII as escapes. */
const pythonJson = (value: unknown) =>
  JSON.stringify(sorted(value), null, 4).replace(
    /[\x7f-\uffff]/g,
    (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (!isRecord(value)) return value
  const keys = Object.keys(value).sort()
  return Object.fromEntries(keys.map((key) => [key, sorted(value[key])]))
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
