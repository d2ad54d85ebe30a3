import { inspect } from 'node:util'
import { CeleryError } from '../errors.ts'

/** A number, text as in a crontab, or a list of these. */
export type Cronspec = number | string | readonly (number | string)[]

/** A field of a crontab: the numbers it may have, and the names of some. */
interface Field {
  readonly least: number
  readonly most: number
  /** The first of them stands for `least`. */
  readonly names?: readonly string[]
}

const days = ['sunday', 'monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday']
const months = 'january february march april may june july august september october november december'.split(' ')

export const fields = {
  minute: { least: 0, most: 59 },
  hour: { least: 0, most: 23 },
  dayOfWeek: { least: 0, most: 6, names: days },
  dayOfMonth: { least: 1, most: 31 },
  monthOfYear: { least: 1, most: 12, names: months },
} as const satisfies Record<string, Field>

export type FieldName = keyof typeof fields

/**
 * The numbers that a field means, in order: `'8-17/3'` → 8, 11, 14, 17. Celery's grammar: numbers, names (three letters
 * or more), ranges that may go round the end (`22-4`, `fri-mon`), `*`, steps, and lists of these with commas.
 *
 * @throws {CeleryError} IMPROPERLY_CONFIGURED naming the field, what was given and what is wrong with it
 */
export function numbersOf(name: FieldName, spec: Cronspec): readonly number[] {
  const field: Field = fields[name]
  const parts: readonly unknown[] = Array.isArray(spec) ? spec : [spec]
  const refuse = (why: string): never => {
    throw new CeleryError('IMPROPERLY_CONFIGURED', `crontab: ${name} ${inspect(spec)}: ${why}`)
  }
  const read = (part: unknown) => {
    if (typeof part === 'number') return [numberOf(String(part), field, refuse)]
    if (typeof part === 'string') return part.split(',').flatMap((one) => expand(one.trim(), field, refuse))
    return refuse('it must be a number, a text or a list')
  }
  const numbers = new Set(parts.flatMap(read))
  return numbers.size > 0 ? Object.freeze([...numbers].sort((a, b) => a - b)) : refuse('it is empty')
}

type Refuse = (why: string) => never

const expression = /^(?:(?<all>\*)|(?<from>\w+)(?:-(?<to>\w+))?)(?:\/(?<step>\w*))?$/

function expand(part: string, field: Field, refuse: Refuse): number[] {
  const { all, from = '', to, step } = expression.exec(part)?.groups ?? refuse(`'${part}' is no part of a crontab`)
  if (step !== undefined && !(Number(step) > 0 && Number.isInteger(Number(step)))) {
    refuse(`the step of '${part}' must be a number, 1 or more`)
  }
  if (step !== undefined && !all && to === undefined) refuse(`a step needs a range: '*/${step}' or '1-9/${step}'`)
  const first = all ? field.least : numberOf(from, field, refuse)
  const last = all ? field.most : to === undefined ? first : numberOf(to, field, refuse)
  return range(first, last, field).filter((_, i) => i % Number(step ?? 1) === 0)
}

/** From first to last, round the end if need be. */
function range(first: number, last: number, { least, most }: Field): number[] {
  const size = most - least + 1
  const length = ((last - first + size) % size) + 1
  return Array.from({ length }, (_, i) => least + ((first - least + i) % size))
}

function numberOf(word: string, { least, most, names = [] }: Field, refuse: Refuse): number {
  const text = word.toLowerCase()
  const named = text.length >= 3 ? names.findIndex((name) => name.startsWith(text)) : -1
  const number = named === -1 ? Number(text === '' ? Number.NaN : text) : least + named
  if (Number.isInteger(number) && number >= least && number <= most) return number
  const orNames = names.length > 0 ? `, or ${names[0]?.slice(0, 3)} to ${names.at(-1)?.slice(0, 3)}` : ''
  return refuse(`'${word}' is not one of ${least} to ${most}${orNames}`)
}
