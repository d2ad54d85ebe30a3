/** The way to a value: keys, and indices of lists. */
export type Path = readonly (string | number)[]

/** What does not fit. */
export interface Complaint {
  readonly severity: 'error' | 'unsupported' | 'warning'
  readonly path: Path
  readonly message: string
  /** Whether the key itself is wrong, not its value. */
  readonly atKey?: true
}

/** Collects complaints, so that all are found at once. */
export type Complain = (complaint: Complaint) => void

/** Where values may be secrets, and are not told. */
const confidential: ReadonlySet<string | number> = new Set([
  'environment',
  'args',
  'content',
  'options',
  'driver_opts',
  'labels',
])

/** A value for a message. */
export function describe(value: unknown, path: Path): string {
  if (value === null) return 'nothing'
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'object') return 'a mapping'
  const isQuotable = typeof value === 'number' || typeof value === 'boolean'
  const text = path.some((step) => confidential.has(step)) ? `a ${typeof value}` : JSON.stringify(value)
  return isQuotable ? `${text} (in quotes it would be a string)` : text
}
