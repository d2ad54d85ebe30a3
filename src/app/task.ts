import { type CallOptions, type Canvas, call } from '../canvas/canvas.ts'
import type { Sender } from '../canvas/sender.ts'
import { type Signature, sign } from '../canvas/signature.ts'
import { CeleryError } from '../errors.ts'
import type { State } from '../protocol/states.ts'
import type { AsyncResult, PendingResult } from '../result/async-result.ts'
import type { EagerResult } from '../result/eager-result.ts'
import { Conformity } from './conformity.ts'
import type { TaskContext } from './context.ts'
import type { RetryOptions } from './exceptions.ts'
import { bindArguments, type Parameters, parametersOf } from './parameters.ts'
import { parseRate } from './rate.ts'
import type { InferOutput, StandardSchemaV1 } from './standard-schema.ts'

/** A class of errors. */
export type ErrorClass = abstract new (...args: never[]) => unknown

/** What else happens around a task. Each may be async and is waited for; `self.request` has the id and arguments. */
export interface TaskHooks {
  /** Before the function; what it throws fails the task. */
  readonly beforeStart?: (self: TaskContext) => unknown
  readonly onSuccess?: (self: TaskContext, value: unknown) => unknown
  readonly onFailure?: (self: TaskContext, error: unknown) => unknown
  readonly onRetry?: (self: TaskContext, error: unknown) => unknown
  /** After any of these, with the state it ended in and its value or error. */
  readonly afterReturn?: (self: TaskContext, state: State, result: unknown) => unknown
  /** Before another task takes this one's place. */
  readonly onReplace?: (self: TaskContext, replacement: Canvas) => unknown
}

/**
 * How a task behaves: Celery's task options. Times are seconds. Where Celery has base classes of tasks, an object of
 * options is spread: `app.task('web.fetch', fetch, { ...patient, queue: 'web' })`.
 */
export interface TaskOptions extends TaskHooks, TaskSchemas {
  /** The function's first parameter is the task's context. @default false */
  readonly bind?: boolean
  /** Attempts after the first; null for no limit. @default 3 */
  readonly maxRetries?: number | null
  /** @default 180 */
  readonly defaultRetryDelay?: number
  /** Errors after which the task is tried again by itself: `[TypeError]`, or `[Error]` for nearly any. */
  readonly autoretryFor?: readonly ErrorClass[]
  /** Among those, the ones after which it is not. */
  readonly dontAutoretryFor?: readonly ErrorClass[]
  /** What such a retry passes to `self.retry`. */
  readonly retryKwargs?: RetryOptions
  /** Such retries wait 1, 2, 4 … seconds; a number is the first delay. @default false */
  readonly retryBackoff?: boolean | number
  /** Seconds that a backoff never exceeds. @default 600 */
  readonly retryBackoffMax?: number
  /** Wait a random part of the backoff, so that those who failed together do not come back together. @default true */
  readonly retryJitter?: boolean
  /** Runs of this task a worker may begin: `'100/m'`, `'10/s'`, `'1/h'`, or a number a second. @default the setting taskDefaultRateLimit */
  readonly rateLimit?: string | number | null
  /** @default the setting taskIgnoreResult */
  readonly ignoreResult?: boolean
  /** @default the setting taskTrackStarted */
  readonly trackStarted?: boolean
  /** Acknowledge after the task ran. @default the setting taskAcksLate */
  readonly acksLate?: boolean
  /** With `acksLate`: acknowledge also when the task failed or ran out of time; else its message is rejected. @default the setting taskAcksOnFailureOrTimeout */
  readonly acksOnFailureOrTimeout?: boolean
  /** With `acksLate`: run the task again when the child that ran it died. @default the setting taskRejectOnWorkerLost */
  readonly rejectOnWorkerLost?: boolean
  /** Seconds until the task is ended, in the pools `prefork` and `threads`. @default the setting taskTimeLimit */
  readonly timeLimit?: number
  /** Seconds until `self.signal` aborts with `SoftTimeLimitExceeded`; code that never waits does not notice. @default the setting taskSoftTimeLimit */
  readonly softTimeLimit?: number
  readonly queue?: string
  readonly exchange?: string
  readonly routingKey?: string
  readonly priority?: number
  /** @default the setting taskSerializer */
  readonly serializer?: string
  /** @default the setting taskCompression */
  readonly compression?: string
  readonly expires?: number
  /**
   * As an errback it is called in place, by the worker of the task that failed, with `(request, error, traceback)`:
   * Celery's new style. Otherwise it is sent, with the id of that task. @default false
   */
  readonly errback?: boolean
  /** Errors that are expected: logged as information, without a traceback. */
  readonly throws?: readonly ErrorClass[]
  /** Store errors although the result is ignored. @default the setting taskStoreErrorsEvenIfIgnored */
  readonly storeErrorsEvenIfIgnored?: boolean
  /** The function's last argument is an object of the keyword arguments that no parameter has. @default false */
  readonly kwargs?: boolean
  /** Parameter names, where the function's source does not tell them (minified code). */
  readonly params?: readonly string[]
}

/** What a task takes and gives, as schemas: checked where it is called and where it runs, and its types. */
export interface TaskSchemas<
  Args extends ArgsSchema | undefined = ArgsSchema | undefined,
  Result extends StandardSchemaV1 | undefined = StandardSchemaV1 | undefined,
> {
  /**
   * The arguments in order, as a tuple. A call that does not conform is refused before anything is sent (by a schema
   * that needs a promise: in the worker); the function gets what the schema makes of them.
   */
  readonly args?: Args
  /** What the task may give back. Anything else is its failure. */
  readonly result?: Result
}

export type ArgsSchema = StandardSchemaV1<unknown[], unknown[]>

/** What callers get: what the schema makes of the function's value, or that value. */
export type ResultOf<R, Schema> = Schema extends StandardSchemaV1 ? InferOutput<Schema> : Awaited<R>

/** The end of an argument list: what a signature may leave to the task that runs before it. */
export type Tail<A extends readonly unknown[]> = A extends readonly [unknown, ...infer Rest] ? A | Tail<Rest> : A

/** How to call, with the arguments in it. */
export interface ApplyOptions<A extends readonly unknown[]> extends CallOptions {
  readonly args?: A
  /** Arguments by name. */
  readonly kwargs?: Readonly<Record<string, unknown>>
}

/** A function that can be called here, or sent to a worker. */
export interface Task<A extends unknown[] = unknown[], R = unknown> {
  /** Runs here and now, without a broker. */
  (...args: A): R | Promise<R>
  /** Its name on the wire, the same for every language. */
  readonly taskName: string
  readonly options: TaskOptions
  readonly parameters: Parameters
  /**
   * Sends a call.
   *
   * @throws {ArgumentsError} at once, before anything is sent
   * @example
   * await add.delay(4, 4).get()   // 8
   */
  delay(...args: A): PendingResult<R>
  /** Sends a call with options: `add.applyAsync({ args: [4, 4], countdown: 10 })`. */
  applyAsync(options?: ApplyOptions<A>): PendingResult<R>
  /**
   * Runs the call here and now, through the steps of a worker and without a broker: Celery's `apply`, a name that
   * functions have for something else. Retries follow at once; links are sent.
   *
   * @param options `throw`: reject with what the task throws; by default the setting taskEagerPropagates
   */
  applyHere(options?: ApplyOptions<A> & { readonly throw?: boolean }): Promise<EagerResult<R>>
  /** A call to be made later; arguments given then come first. */
  s(...args: Tail<A>): Signature<R>
  /** The same, immutable: it takes no further arguments. */
  si(...args: A): Signature<R>
  /** @throws {ArgumentsError} for arguments that it would not take */
  checkCall(args: readonly unknown[], kwargs?: Readonly<Record<string, unknown>>): void
  /** Runs the function with a context: what a worker does. */
  run(context: TaskContext, args: readonly unknown[], kwargs?: Readonly<Record<string, unknown>>): unknown
}

/** The task that a function makes. Taking the whole function lets `(x: number, y = 2) => …` keep its own types. */
export type TaskOf<F, Schema = undefined> = F extends (...args: infer A) => infer R
  ? Task<A, ResultOf<R, Schema>>
  : never

export type TaskFunction<A extends unknown[], R> = (...args: A) => R | Promise<R>
export type BoundTaskFunction<A extends unknown[], R> = (self: TaskContext, ...args: A) => R | Promise<R>

export function createTask<A extends unknown[], R>(
  taskName: string,
  fn: TaskFunction<A, R> | BoundTaskFunction<A, R>,
  options: TaskOptions,
  sender: Sender,
): Task<A, R> {
  parseRate(options.rateLimit) // refused here, where it is written
  if (options.bind && options.errback) {
    const next = 'Leave out `bind`: its first argument is the request that failed.'
    throw new CeleryError('IMPROPERLY_CONFIGURED', `${taskName} is an errback and cannot be bound`, { next })
  }
  const parameters = declaredParameters(fn, options)
  const check = (args: readonly unknown[], kwargs = {}) => bindArguments(shortName(taskName), parameters, args, kwargs)
  const schemas = new Conformity(shortName(taskName), parameters, options)
  const checkCall = (args: readonly unknown[], kwargs = {}) => schemas.checkCall(check(args, kwargs))
  const checked = ({ args, kwargs, ...options }: ApplyOptions<A>) => {
    checkCall(args ?? [], kwargs)
    return call(taskName, args ?? [], { ...(kwargs && { kwargs }), options })
  }
  const applyAsync = (options: ApplyOptions<A> = {}) => sender.send<R, AsyncResult<R>>(checked(options))
  const here = (...args: A) => {
    if (options.bind) throw new TypeError(`${taskName} is bound: it needs a worker's context, so send it with delay()`)
    return schemas.around(args, (given) => (fn as TaskFunction<A, R>)(...(given as A))) as R | Promise<R>
  }
  return Object.freeze(
    Object.assign(here, {
      taskName,
      options,
      parameters,
      checkCall,
      applyAsync,
      applyHere: async ({ throw: propagate, ...options }: ApplyOptions<A> & { throw?: boolean } = {}) =>
        sender.apply<R, EagerResult<R>>(checked(options), propagate === undefined ? {} : { throw: propagate }),
      delay: (...args: A) => applyAsync({ args }),
      s: (...args: Tail<A>) => sign<R>(call(taskName, args), sender),
      si: (...args: A) => sign<R>(call(taskName, args, { immutable: true }), sender),
      run: (context: TaskContext, args: readonly unknown[], kwargs = {}) => {
        const first = options.bind ? [context] : []
        return schemas.around(check(args, kwargs), (given) =>
          (fn as (...all: unknown[]) => unknown)(...first, ...given),
        )
      },
    }),
  )
}

function declaredParameters(fn: (...args: never[]) => unknown, { bind, params, kwargs }: TaskOptions): Parameters {
  if (params) return { parameters: params.map((name) => ({ name, isOptional: false })), hasRest: false }
  const { parameters, hasRest } = parametersOf(fn)
  const own = parameters.slice(bind ? 1 : 0, kwargs && !hasRest ? -1 : undefined)
  return { parameters: own, hasRest, ...(kwargs && { takesKeywords: true }) }
}

/** `arithmetics.add` → `add`. */
export const shortName = (taskName: string): string => taskName.split('.').at(-1) ?? taskName
