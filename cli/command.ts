import type { Context } from './context.ts'
import type { Paint } from './output/paint.ts'

/** Something a command tells. Everything in it is plain data, so that it can be printed as text or as JSON. */
export interface CommandEvent {
  readonly type: string
}

/** A verb of the command line: its options are data, what it does is a stream of events. */
export interface Command<E extends CommandEvent = CommandEvent, O extends OptionTable = OptionTable> {
  /** Positional arguments, as `<required>`, `[optional]` or `[many...]`, with what they mean. */
  readonly arguments?: readonly (readonly [syntax: string, meaning: string])[]
  readonly options: O
  readonly examples: readonly string[]
  /** Every word after the first argument goes to it as it is, options too. */
  readonly readsItsOwnWords?: boolean
  run(context: Context, options: Values<O>, args: readonly string[]): AsyncIterable<E>
  /** How an event reads; undefined for those that are for programs only. */
  text(event: E, paint: Paint): string | undefined
  /** Its events may come by the thousand: they are written together. */
  readonly comesInBursts?: boolean
  /** Whether the next event goes on on the same line. */
  staysOnLine?(event: E): boolean
  /** Shows the first events on a screen of its own; gives back the first that is not for it. */
  screen?(events: AsyncIterator<E>, context: Context): Promise<IteratorResult<E>>
}

export function defineCommand<E extends CommandEvent, O extends OptionTable>(command: Command<E, O>): Command<E, O> {
  return command
}

/** One option: its flags as `-q, --queues <names>`, what it means, and how its text becomes a value. */
export interface Option<T> {
  readonly flags: string
  readonly meaning: string
  /** Also gets what the option was before, for one that may be given again. */
  parse?(text: string, before?: T): T
  readonly default?: T
  readonly choices?: readonly string[]
}

export type OptionTable = Readonly<Record<string, Option<unknown>>>

export type Values<O extends OptionTable> = { readonly [Name in keyof O]: O[Name] extends Option<infer T> ? T : never }

export const flag = (flags: string, meaning: string): Option<boolean> => ({ flags, meaning, default: false })

export const text = (flags: string, meaning: string): Option<string | undefined> => ({ flags, meaning })

export const choice = <C extends string>(
  flags: string,
  meaning: string,
  choices: readonly C[],
  first: C,
): Option<C> => ({
  flags,
  meaning,
  choices,
  default: first,
})

/** Comma-separated names. */
export const names = (flags: string, meaning: string): Option<readonly string[] | undefined> => ({
  flags,
  meaning,
  parse: (given) =>
    given
      .split(',')
      .map((name) => name.trim())
      .filter((name) => name !== ''),
})

/** May be given several times. */
export const repeated = (flags: string, meaning: string): Option<readonly string[] | undefined> => ({
  flags,
  meaning,
  parse: (given, before = []) => [...before, given],
})

/** How many containers services shall have, as `worker=4`; may be given several times. */
export const scales = (flags: string, meaning: string): Option<Readonly<Record<string, number>> | undefined> => ({
  flags,
  meaning,
  parse: (given, before = {}) => ({ ...before, ...readScale(given) }),
})

/** `worker=4` */
export function readScale(given: string): Readonly<Record<string, number>> {
  const [, service = '', number = ''] = /^([^=]+)=(\d{1,4})$/.exec(given) ?? []
  if (service === '') throw new RangeError('it must be a service and a number: worker=4')
  return { [service]: Number(number) }
}

/** Seconds that a clock can count. */
export const seconds = (flags: string, meaning: string): Option<number | undefined> => ({
  flags,
  meaning,
  parse: (given) => {
    const value = Number(given)
    if (given.trim() !== '' && value >= 0 && value <= longest) return value
    throw new RangeError(`it must be a number of seconds, 0 to ${longest}`)
  },
})

const longest = 1_000_000_000

/** A whole number. */
export const count = (flags: string, meaning: string, least = 1): Option<number | undefined> => ({
  flags,
  meaning,
  parse: (given) => {
    const value = Number(given)
    if (given.trim() !== '' && Number.isSafeInteger(value) && value >= least) return value
    throw new RangeError(`it must be a whole number, ${least} or more`)
  },
})

/** JSON of any shape. */
export const json = (flags: string, meaning: string): Option<unknown> => ({
  flags,
  meaning,
  parse: (given) => JSON.parse(given),
})

/** Of every command that speaks as the app. */
export const appOption = text('-A, --app <path[:export]>', 'the app (default: app.ts of the project)')
