import { type CallOptions, type Signature, signature } from '../canvas/signature.ts'
import type { PendingResult } from '../result/async-result.ts'
import type { TaskContext } from './context.ts'
import { bindArguments, type Parameters, parametersOf } from './parameters.ts'
import type { Sender } from './sender.ts'

/** How a task behaves: Celery's task options. Times are seconds. */
export interface TaskOptions {
  /** The function's first parameter is the task's context. @default false */
  readonly bind?: boolean
  /** Attempts after the first; null for no limit. @default 3 */
  readonly maxRetries?: number | null
  /** @default 180 */
  readonly defaultRetryDelay?: number
  /** @default the setting taskIgnoreResult */
  readonly ignoreResult?: boolean
  /** @default the setting taskTrackStarted */
  readonly trackStarted?: boolean
  /** Acknowledge after the task ran. @default the setting taskAcksLate */
  readonly acksLate?: boolean
  readonly timeLimit?: number
  readonly softTimeLimit?: number
  readonly queue?: string
  readonly priority?: number
  /** @default the setting taskSerializer */
  readonly serializer?: string
  /** @default the setting taskCompression */
  readonly compression?: string
  readonly expires?: number
  /** Errors that are expected: logged as information, without a traceback. */
  readonly throws?: readonly (new (
    ...args: never[]
  ) => Error)[]
  /** Parameter names, where the function's source does not tell them (minified code). */
  readonly params?: readonly string[]
}

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
  /** A call to be made later; arguments given then come first. */
  s(...args: Tail<A>): Signature
  /** The same, immutable: it takes no further arguments. */
  si(...args: A): Signature
  /** Runs the function with a context: what a worker does. */
  run(context: TaskContext, args: readonly unknown[], kwargs?: Readonly<Record<string, unknown>>): unknown
}

/** The task that a function makes. Taking the whole function lets `(x: number, y = 2) => …` keep its own types. */
export type TaskOf<F> = F extends (...args: infer A) => infer R ? Task<A, Awaited<R>> : never

export type TaskFunction<A extends unknown[], R> = (...args: A) => R | Promise<R>
export type BoundTaskFunction<A extends unknown[], R> = (self: TaskContext, ...args: A) => R | Promise<R>

export function createTask<A extends unknown[], R>(
  taskName: string,
  fn: TaskFunction<A, R> | BoundTaskFunction<A, R>,
  options: TaskOptions,
  sender: Sender,
): Task<A, R> {
  const parameters = declaredParameters(fn, options)
  const check = (args: readonly unknown[], kwargs = {}) => bindArguments(shortName(taskName), parameters, args, kwargs)
  const applyAsync = ({ args, kwargs, ...call }: ApplyOptions<A> = {}) => {
    check(args ?? [], kwargs)
    return sender.send<R>(signature(taskName, args ?? [], { ...(kwargs && { kwargs }), options: call }))
  }
  const here = (...args: A) => {
    if (options.bind) throw new TypeError(`${taskName} is bound: it needs a worker's context, so send it with delay()`)
    return (fn as TaskFunction<A, R>)(...args)
  }
  return Object.freeze(
    Object.assign(here, {
      taskName,
      options,
      parameters,
      applyAsync,
      delay: (...args: A) => applyAsync({ args }),
      s: (...args: Tail<A>) => signature(taskName, args),
      si: (...args: A) => signature(taskName, args, { immutable: true }),
      run: (context: TaskContext, args: readonly unknown[], kwargs = {}) => {
        const bound = check(args, kwargs) as A
        return options.bind ? (fn as BoundTaskFunction<A, R>)(context, ...bound) : (fn as TaskFunction<A, R>)(...bound)
      },
    }),
  )
}

function declaredParameters(fn: (...args: never[]) => unknown, { bind, params }: TaskOptions): Parameters {
  if (params) return { parameters: params.map((name) => ({ name, isOptional: false })), hasRest: false }
  const { parameters, hasRest } = parametersOf(fn)
  return { parameters: bind ? parameters.slice(1) : parameters, hasRest }
}

/** `arithmetics.add` → `add`. */
export const shortName = (taskName: string): string => taskName.split('.').at(-1) ?? taskName
