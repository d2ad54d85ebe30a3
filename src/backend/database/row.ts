import { dumps, loads, parseIsoDate } from '../../protocol/json.ts'
import { loads as unpickle } from '../../protocol/pickle/decode.ts'
import { dumps as pickle } from '../../protocol/pickle/encode.ts'
import { parseResultMeta, type ResultMeta } from '../../protocol/result-meta.ts'
import type { Parameter, Row } from './dialect.ts'

/**
 * The columns of a meta. `result` is a pickle, `args` and `kwargs` are JSON, as Celery has them; children, group and
 * parent have no column.
 */
export function toColumns(meta: ResultMeta): Record<string, Parameter> {
  const { task_id, status, result, date_done, traceback } = meta
  const columns = {
    task_id,
    status,
    result: pickle(result),
    date_done: date_done && toDatabaseTime(date_done),
    traceback,
  }
  if (meta.name === undefined) return columns
  const { name, args, kwargs, worker = null, retries = null, queue = null } = meta
  return { ...columns, name, args: toJson(args), kwargs: toJson(kwargs), worker, retries, queue }
}

/** @throws {CeleryError} CONTENT_DISALLOWED when the result is more than plain data */
export function toMeta({ id, result, date_done, args, kwargs, ...rest }: Row): ResultMeta | undefined {
  const given = Object.entries(rest).filter(([, value]) => value !== null)
  return parseResultMeta({
    ...Object.fromEntries(given),
    result: result instanceof Uint8Array ? unpickle(result) : null,
    date_done: typeof date_done === 'string' ? toIsoTime(date_done) : null,
    ...(args instanceof Uint8Array && { args: fromJson(args) }),
    ...(kwargs instanceof Uint8Array && { kwargs: fromJson(kwargs) }),
  })
}

/** `2026-11-20T09:22:33.017161+00:00` → `2026-11-20 09:22:33.017161`, in UTC: how SQLAlchemy writes a time. */
export function toDatabaseTime(iso: string): string {
  const utc = parseIsoDate(iso)?.toISOString() ?? iso
  const micros = /\.(\d{1,6})/.exec(iso)?.[1]?.padEnd(6, '0') ?? '000000'
  return `${utc.slice(0, 10)} ${utc.slice(11, 19)}.${micros}`
}

function toIsoTime(text: string): string {
  const [whole = '', micros = ''] = text.replace(' ', 'T').split('.')
  return `${whole}.${micros.padEnd(6, '0')}+00:00`
}

const toJson = (value: unknown) => Buffer.from(dumps(value))
const fromJson = (bytes: Uint8Array) => loads(Buffer.from(bytes).toString())
