/** What a word of the command line becomes before it is sent. */
export type ArgumentType = 'text' | 'int' | 'float' | 'flag'

/** How a remote-control command is called: what a command line and its help need to know of it. */
export interface CommandDescription {
  /** `inspect` asks and changes nothing, `control` changes something. */
  readonly kind: 'inspect' | 'control'
  /** One line for people. */
  readonly help: string
  /** What positional words are called, in their order. */
  readonly args?: readonly (readonly [name: string, type: ArgumentType])[]
  /** The argument that takes all further words, as a list. */
  readonly variadic?: string
  /** How the words read in help: `<task_name> <rate_limit>`. */
  readonly signature?: string
  /** Its older name, by which it is understood as well. */
  readonly alias?: string
  /** Nodes ask it of each other; it is in no list. */
  readonly isHidden?: boolean
}

/** A command that a worker understands. What `run` returns is the node's reply; throwing replies `{error}`. */
export interface Command<Target> extends CommandDescription {
  run(target: Target, args: Readonly<Record<string, unknown>>): unknown
}

export type CommandTable<Target> = Readonly<Record<string, Command<Target>>>

/** The words of a command line as the arguments of a command. */
export function readWords(command: CommandDescription, words: readonly string[]): Record<string, unknown> {
  const { args = [], variadic } = command
  const given = args.slice(0, words.length).map(([name, type], i) => [name, readers[type](words[i] ?? '')])
  const rest = words.slice(args.length)
  if (rest.length > 0 && variadic === undefined) throw new RangeError(`it takes ${command.signature ?? 'no arguments'}`)
  return { ...Object.fromEntries(given), ...(variadic !== undefined && { [variadic]: rest }) }
}

const readers: Readonly<Record<ArgumentType, (word: string) => unknown>> = {
  text: (word) => word,
  int: (word) => checked(word, Number.isSafeInteger(Number(word)), 'a whole number', Number(word)),
  float: (word) => checked(word, Number.isFinite(Number(word)), 'a number', Number(word)),
  flag: (word) => {
    const isYes = /^(true|yes|1|on)$/i.test(word)
    return checked(word, isYes || /^(false|no|0|off)$/i.test(word), 'true or false', isYes)
  },
}

function checked<T>(word: string, fits: boolean, wanted: string, value: T): T {
  if (fits && word.trim() !== '') return value
  throw new RangeError(`'${word}' is not ${wanted}`)
}
