import { dumps, isObject } from './json.ts'
import { repr } from './repr.ts'

/**
 * How an exception crosses languages: `{exc_type, exc_message, exc_module}`. A Python client builds
 * `exc_module.exc_type(*exc_message)` of the classes it has imported, else a class of that name.
 */
export interface ExceptionInfo {
  exc_type: string
  /** Constructor arguments; some writers send one bare string. */
  exc_message: unknown[] | string
  exc_module: string
}

/** An error may say itself how Python shall know it. */
export interface PythonException {
  readonly excType?: string
  readonly excModule?: string
  readonly excArgs?: readonly unknown[]
}

/** The Python class that means the same. */
const pythonNames: Record<string, [module: string, type: string]> = {
  Error: ['builtins', 'Exception'],
  TypeError: ['builtins', 'TypeError'],
  RangeError: ['builtins', 'ValueError'],
  SyntaxError: ['builtins', 'SyntaxError'],
  ReferenceError: ['builtins', 'NameError'],
  URIError: ['builtins', 'ValueError'],
  EvalError: ['builtins', 'Exception'],
  AggregateError: ['builtins', 'Exception'],
  TimeoutError: ['builtins', 'TimeoutError'],
}

/**
 * @param module where Python shall look for a class of the user's own: by custom the task's module
 */
export function toExceptionInfo(thrown: unknown, module = 'builtins'): ExceptionInfo {
  if (!(thrown instanceof Error))
    return { exc_type: 'Exception', exc_message: [sendable(thrown)], exc_module: 'builtins' }
  const own = thrown as PythonException
  const name = errorName(thrown)
  const [defaultModule, defaultType] = pythonNames[name] ?? [module, name]
  return {
    exc_type: own.excType ?? defaultType,
    exc_message: (own.excArgs ?? (thrown.message ? [thrown.message] : [])).map(sendable),
    exc_module: own.excModule ?? defaultModule,
  }
}

// As Celery does: an argument that no serializer takes is sent as its text.
function sendable(arg: unknown): unknown {
  try {
    dumps(arg)
    return arg
  } catch {
    return repr(arg)
  }
}

// `class MyError extends Error {}` keeps the name "Error" unless it sets one; its class says more.
const errorName = (error: Error) => (error.name === 'Error' ? error.constructor.name || 'Error' : error.name)

/** An exception raised by a task, rebuilt in the caller. `name` is the class it had there. */
export class RemoteError extends Error implements PythonException {
  readonly excType: string
  readonly excModule: string
  readonly excArgs: readonly unknown[]
  /** The traceback in the worker, as its language writes it. */
  readonly traceback: string | null

  constructor(info: ExceptionInfo, traceback: string | null = null) {
    const args = typeof info.exc_message === 'string' ? [info.exc_message] : info.exc_message
    super(args.map((arg) => (typeof arg === 'string' ? arg : dumps(arg))).join(', '))
    this.name = info.exc_type
    this.excType = info.exc_type
    this.excModule = info.exc_module
    this.excArgs = args
    this.traceback = traceback
  }
}

/** Reads what a meta's `result` holds in an exception state; whatever it is, there is an error to show. */
export function parseExceptionInfo(value: unknown): ExceptionInfo {
  if (!isObject(value) || !('exc_type' in value)) {
    return { exc_type: 'Exception', exc_message: [value], exc_module: 'builtins' }
  }
  const { exc_message: message, exc_module: module } = value
  return {
    exc_type: String(value.exc_type),
    exc_message: Array.isArray(message) || typeof message === 'string' ? message : [],
    exc_module: typeof module === 'string' ? module : 'builtins',
  }
}
