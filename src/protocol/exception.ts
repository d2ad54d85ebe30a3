import { CeleryError, type ErrorCode } from '../errors.ts'
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

/** What Celery itself raises where this library throws one of its own. */
const celeryNames: Partial<Record<ErrorCode, [module: string, type: string]>> = {
  CONTENT_DISALLOWED: ['kombu.exceptions', 'ContentDisallowed'],
  DECODE_ERROR: ['kombu.exceptions', 'DecodeError'],
  ENCODE_ERROR: ['kombu.exceptions', 'EncodeError'],
  BROKER_UNREACHABLE: ['kombu.exceptions', 'OperationalError'],
  IMPROPERLY_CONFIGURED: ['celery.exceptions', 'ImproperlyConfigured'],
  TIMEOUT: ['celery.exceptions', 'TimeoutError'],
}

/**
 * @param module where Python shall look for a class of the user's own: by custom the task's module
 */
export function toExceptionInfo(thrown: unknown, module = 'builtins'): ExceptionInfo {
  if (!(thrown instanceof Error))
    return { exc_type: 'Exception', exc_message: [sendable(thrown)], exc_module: 'builtins' }
  const own = thrown as PythonException
  const name = errorName(thrown)
  const ofCelery = thrown instanceof CeleryError ? celeryNames[thrown.code] : undefined
  const [defaultModule, defaultType] = ofCelery ?? pythonNames[name] ?? [module, name]
  return {
    exc_type: own.excType ?? defaultType,
    exc_message: (own.excArgs ?? (thrown.message ? [thrown.message] : [])).map(sendable),
    exc_module: own.excModule ?? defaultModule,
  }
}

/** As Python's `repr` shows it: `ValueError('no good', 42)`. */
export function describeException({ exc_type: type, exc_message: given }: ExceptionInfo): string {
  const args = typeof given === 'string' ? [given] : given
  return `${type}(${args.map((arg) => repr(arg)).join(', ')})`
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

/** A class of errors that callers want to catch. */
export type ErrorClass = new (...args: never[]) => Error

/** Classes by the name on the wire, with its module (`shop.OutOfStock`) or without (`OutOfStock`). */
export type ErrorClasses = Readonly<Record<string, ErrorClass>>

const remote = Symbol.for('celery-sandbox.remote')

/**
 * An exception raised by a task. `name` is the class it had there. One that {@link remoteError} made of a class known
 * here is an instance of that class too.
 */
export class RemoteError extends Error implements PythonException {
  declare readonly excType: string
  declare readonly excModule: string
  declare readonly excArgs: readonly unknown[]
  /** The traceback in the worker, as its language writes it. */
  declare readonly traceback: string | null

  constructor(info: ExceptionInfo, traceback: string | null = null) {
    super(messageFrom(info))
    mark(this, info, traceback)
  }

  static override [Symbol.hasInstance](value: unknown): boolean {
    return value instanceof Error && remote in value
  }
}

/** The exception that a caller catches: of the caller's own class if it has one under that name. */
export function remoteError(info: ExceptionInfo, traceback: string | null, classes: ErrorClasses = {}): RemoteError {
  const error = ofKnownClass(info, classes)
  return error ? mark(error, info, traceback) : new RemoteError(info, traceback)
}

/** JavaScript's own classes, under the names of Python's that mean the same. */
const wellKnown: Readonly<Record<string, new (message: string) => Error>> = {
  'builtins.TypeError': TypeError,
  'builtins.ValueError': RangeError,
  'builtins.SyntaxError': SyntaxError,
  'builtins.NameError': ReferenceError,
}

function ofKnownClass(info: ExceptionInfo, classes: ErrorClasses): Error | undefined {
  const name = `${info.exc_module}.${info.exc_type}`
  const Own = own(classes, name) ?? own(classes, info.exc_type)
  const Native = own(wellKnown, name)
  try {
    return Own ? new Own(...(argsOf(info) as never[])) : Native && new Native(messageFrom(info))
  } catch {
    return undefined // a constructor that wants something else than its peer in the worker did
  }
}

const own = <T>(table: Readonly<Record<string, T>>, name: string) =>
  Object.hasOwn(table, name) ? table[name] : undefined

function mark(error: Error, info: ExceptionInfo, traceback: string | null): RemoteError {
  const { exc_type: excType, exc_module: excModule } = info
  Object.defineProperty(error, remote, { value: true })
  return Object.assign(error, { name: excType, excType, excModule, excArgs: argsOf(info), traceback })
}

const argsOf = ({ exc_message: given }: ExceptionInfo): unknown[] => (typeof given === 'string' ? [given] : given)

function messageFrom(info: ExceptionInfo): string {
  const texts = argsOf(info).map(sendable)
  return texts.map((arg) => (typeof arg === 'string' ? arg : dumps(arg))).join(', ')
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
