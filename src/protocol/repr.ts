/**
 * A value as Python's `repr()` shows it: `argsrepr`, log lines and events carry this form, and Celery's tools expect
 * it. Cut at `limit` characters, as Celery's saferepr does.
 */
export function repr(value: unknown, limit = 1024): string {
  const text = write(value, 0)
  return text.length > limit ? `${text.slice(0, limit - 3)}...` : text
}

/** Positional arguments as a Python tuple: `()`, `(30,)`, `(2, 3)`. */
export function reprArgs(args: readonly unknown[], limit = 1024): string {
  const items = args.map((arg) => repr(arg, limit)).join(', ')
  const text = args.length === 1 ? `(${items},)` : `(${items})`
  return text.length > limit ? `${text.slice(0, limit - 4)}...)` : text
}

const maxDepth = 20

function write(value: unknown, depth: number): string {
  if (value === null || value === undefined) return 'None'
  if (value === true) return 'True'
  if (value === false) return 'False'
  if (typeof value === 'number') return writeNumber(value)
  if (typeof value === 'string') return writeString(value)
  if (typeof value !== 'object') return String(value)
  if (depth > maxDepth) return '...'
  if (value instanceof Date) return writeDate(value)
  if (value instanceof Uint8Array) return `b${writeString(Buffer.from(value).toString('latin1'))}`
  if (Array.isArray(value)) return `[${value.map((item) => write(item, depth + 1)).join(', ')}]`
  if (value instanceof Error) return `${value.name}(${writeString(value.message)})`
  const members = Object.entries(value).map(([key, member]) => `${writeString(key)}: ${write(member, depth + 1)}`)
  return `{${members.join(', ')}}`
}

function writeNumber(value: number): string {
  if (Number.isNaN(value)) return 'nan'
  if (!Number.isFinite(value)) return value > 0 ? 'inf' : '-inf'
  // Python pads exponents to two digits: 1e-07.
  return String(value).replace(/e([+-])(\d)$/, 'e$10$2')
}

const escapes: Record<string, string> = { '\n': '\\n', '\r': '\\r', '\t': '\\t', '\\': '\\\\' }

function writeString(text: string): string {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'"
  const escaped = text.replace(/[\\\x00-\x1f\x7f-\xa0\xad]/g, (c) => escapes[c] ?? `\\x${hex(c)}`)
  return quote + (quote === "'" ? escaped.replaceAll("'", "\\'") : escaped) + quote
}

const hex = (c: string) => c.charCodeAt(0).toString(16).padStart(2, '0')

function writeDate(date: Date): string {
  const parts = [
    date.getUTCFullYear(),
    date.getUTCMonth() + 1,
    date.getUTCDate(),
    date.getUTCHours(),
    date.getUTCMinutes(),
    date.getUTCSeconds(),
    date.getUTCMilliseconds() * 1000,
  ]
  return `datetime.datetime(${parts.join(', ')}, tzinfo=datetime.timezone.utc)`
}
