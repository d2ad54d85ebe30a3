import { type Pattern, parseExpressionAt } from 'acorn'
import { CeleryError } from '../errors.ts'

/** A function's parameters as a caller by name needs them, Python callers among them. */
export interface Parameters {
  readonly parameters: readonly Parameter[]
  /** A rest parameter takes any further positional arguments. */
  readonly hasRest: boolean
  /** After its last parameter the function is given an object of the keywords that no parameter has. */
  readonly takesKeywords?: boolean
}

export interface Parameter {
  /** Undefined when the parameter is destructured: it can be given by position only. */
  readonly name: string | undefined
  readonly isOptional: boolean
}

/** Reads the parameter list from the function's own source. */
export function parametersOf(fn: (...args: never[]) => unknown): Parameters {
  const params = parse(fn.toString())
  if (!params) return { parameters: [], hasRest: true }
  const last = params.at(-1)
  const hasRest = last?.type === 'RestElement'
  return { parameters: (hasRest ? params.slice(0, -1) : params).map(parameter), hasRest }
}

// A function prints as an expression, or as a method (`add(x, y) {…}`), which needs an object around it.
function parse(source: string): Pattern[] | undefined {
  for (const text of [`(${source})`, `({${source}})`]) {
    try {
      const node = parseExpressionAt(text, 0, { ecmaVersion: 'latest' })
      if (node.type === 'ArrowFunctionExpression' || node.type === 'FunctionExpression') return node.params
      const member = node.type === 'ObjectExpression' ? node.properties[0] : undefined
      if (member?.type === 'Property' && member.value.type === 'FunctionExpression') return member.value.params
    } catch {
      // Not in this form; a native function prints as no form at all.
    }
  }
  return undefined
}

function parameter(node: Pattern): Parameter {
  if (node.type === 'AssignmentPattern') return { ...parameter(node.left), isOptional: true }
  return { name: node.type === 'Identifier' ? node.name : undefined, isOptional: false }
}

/** `x, y = …, ...rest`: the list as a person reads it. */
export function describeParameters({ parameters, hasRest, takesKeywords }: Parameters): string {
  const list = parameters.map(({ name = '{…}', isOptional }) => (isOptional ? `${name} = …` : name))
  return [...list, ...(hasRest ? ['...rest'] : []), ...(takesKeywords ? ['**kwargs'] : [])].join(', ')
}

/** A wrong call: what Python calls TypeError, and so it is for Python callers. */
export class ArgumentsError extends CeleryError {
  constructor(message: string) {
    super('TASK_ARGUMENTS', message)
    this.name = 'TypeError'
  }
}

/**
 * Puts positional and keyword arguments in order, by Python's rules.
 *
 * @param task the task's name, for the message
 * @returns the positional arguments to call the function with
 * @throws {ArgumentsError} missing, unexpected, repeated or too many arguments, with the signature
 */
export function bindArguments(
  task: string,
  declared: Parameters,
  args: readonly unknown[],
  kwargs: Readonly<Record<string, unknown>> = {},
): unknown[] {
  const { parameters, hasRest, takesKeywords = false } = declared
  const refuse = (problem: string): never => {
    throw new ArgumentsError(`${task}(${describeParameters(declared)}) ${problem}`)
  }
  if (!hasRest && args.length > parameters.length) {
    refuse(`takes ${count(parameters.length, 'argument')}, got ${args.length}`)
  }
  const bound = [...args]
  const others: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(kwargs)) {
    const at = parameters.findIndex((candidate) => candidate.name === name)
    if (at === -1 && takesKeywords) {
      others[name] = value
      continue
    }
    if (at === -1) refuse(`got an unexpected keyword argument '${name}'`)
    if (at < args.length) refuse(`got multiple values for argument '${name}'`)
    bound[at] = value
  }
  const missing = parameters.filter(({ isOptional }, at) => !isOptional && !(at in bound))
  if (missing.length > 0) {
    refuse(`is missing ${count(missing.length, 'argument')}: ${missing.map(({ name = '{…}' }) => name).join(', ')}`)
  }
  if (takesKeywords) bound[Math.max(bound.length, parameters.length)] = others
  return bound
}

const count = (n: number, noun: string) => `${n} ${noun}${n === 1 ? '' : 's'}`
