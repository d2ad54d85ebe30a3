import { createRequire } from 'node:module'
import type { OutputUnit, Schema, Validator } from '@cfworker/json-schema'
import { type Complain, describe, type Path } from '../complaint.ts'
import { nearest } from '../nearest.ts'
import whole from './compose-spec.json' with { type: 'json' }

/** Without what must be there: another file may have it, so that is judged when all are merged. */
const spec: Schema = JSON.parse(JSON.stringify(whole), (key, value) =>
  key === 'required' && Array.isArray(value) ? undefined : value,
)

/**
 * Holds a file against the Compose specification's own schema, and gives back what of it may stand.
 */
export function judge(value: unknown, complain: Complain): unknown {
  const { valid, errors } = validator().validate(value)
  if (valid) return value
  const allowed = structuredClone(value)
  for (const violation of violations(errors)) {
    complain({ severity: 'error', ...complaint(violation, value) })
    remove(allowed, violation.path)
  }
  return allowed
}

let loaded: Validator | undefined

function validator(): Validator {
  // Costs 12 ms, and is for those commands only that read files: they do so without waiting.
  const library: typeof import('@cfworker/json-schema') = createRequire(import.meta.url)('@cfworker/json-schema')
  loaded ??= new library.Validator(spec, '2020-12', false)
  return loaded
}

interface Violation {
  readonly path: Path
  readonly keyword: string
  /** The schemas that did not match, by their place. */
  readonly schemas: readonly Schema[]
}

/** Keywords that say something themselves; the others say that a schema below them did not match. */
const telling = ['false', 'type', 'enum', 'pattern', 'uniqueItems', 'minItems', 'minimum', 'maximum', 'minLength']

/**
 * What a reader can mend. Of several ways to write a value, each has been tried: the one that was meant is the one
 * that led deepest, and where none did, each of them is told.
 */
function violations(errors: readonly OutputUnit[]): readonly Violation[] {
  const told = errors.filter(({ keyword }) => telling.includes(keyword))
  const places = new Set(told.map(({ instanceLocation }) => instanceLocation))
  const above = new Set([...places].flatMap(ancestors))
  const byPlace = Map.groupBy(told, ({ instanceLocation }) => instanceLocation)
  return [...byPlace]
    .filter(([location]) => !above.has(location))
    .map(([location, [first, ...others]]) => ({
      path: pathOf(location),
      keyword: first?.keyword ?? '',
      schemas: [first, ...others].flatMap((unit) => schemaOf(unit, errors) ?? []),
    }))
}

/** `#/a/b/c` → `#/a/b`, `#/a`, `#` */
function ancestors(location: string): readonly string[] {
  const steps = location.split('/')
  return steps.slice(1).map((_, index) => steps.slice(0, index + 1).join('/'))
}

function pathOf(location: string): Path {
  return location.split('/').slice(1).map(decoded)
}

function decoded(step: string): string {
  return decodeURI(step).replaceAll('~1', '/').replaceAll('~0', '~')
}

/** The schema in which a keyword stands; for a property too many the one that has the others. */
function schemaOf(unit: OutputUnit | undefined, errors: readonly OutputUnit[]): Schema | undefined {
  if (unit?.keyword !== 'false') return unit && schemaAt(unit.keywordLocation)
  const parent = unit.instanceLocation.replace(/\/[^/]*$/, '')
  const refusal = errors.find(
    ({ instanceLocation, keyword }) => instanceLocation === parent && keyword === 'additionalProperties',
  )
  return refusal && schemaAt(refusal.keywordLocation)
}

function schemaAt(location: string): Schema {
  const steps = location.split('/').slice(1, -1).map(decoded)
  return steps.reduce<Schema>((schema, step) => {
    if (step !== '$ref') return schema[step]
    const name = String(schema.$ref).replace('#/$defs/', '')
    return spec.$defs?.[name] ?? {}
  }, spec)
}

function complaint(
  { path, keyword, schemas }: Violation,
  whole: unknown,
): { path: Path; message: string; atKey?: true } {
  const key = String(path.at(-1))
  if (keyword === 'false') {
    const near = nearest(key, Object.keys(schemas[0]?.properties ?? {}))
    const hint = near ? `; did you mean "${near}"?` : ''
    return { path, message: `additional properties '${key}' not allowed${hint}`, atKey: true }
  }
  if (keyword === 'uniqueItems') return { path, message: 'items must be unique' }
  const value = valueAt(whole, path)
  return { path, message: `expected ${expected(schemas)}, got ${describe(value, path)}` }
}

const typeNames: Readonly<Record<string, string>> = {
  array: 'a list',
  object: 'a mapping',
  string: 'a string',
  number: 'a number',
  integer: 'a whole number',
  boolean: 'true or false',
  null: 'nothing',
}

function expected(schemas: readonly Schema[]): string {
  const choices = schemas.flatMap(({ enum: words }) => words ?? [])
  if (choices.length > 0) return `one of ${choices.join(', ')}`
  const types = schemas.flatMap(({ type }) => type ?? [])
  const names = [...new Set(types.map((type) => typeNames[type] ?? type))]
  return names.length > 0 ? names.join(' or ') : 'another form'
}

function valueAt(value: unknown, path: Path): unknown {
  return path.reduce<unknown>((child, step) => (child as Readonly<Record<string, unknown>> | undefined)?.[step], value)
}

/** An item of a list leaves a hole, so that the others keep their places. */
function remove(value: unknown, path: Path): void {
  const parent = valueAt(value, path.slice(0, -1))
  const step = path.at(-1)
  if (typeof parent !== 'object' || parent === null || step === undefined) return
  Reflect.set(parent, step, undefined)
}
