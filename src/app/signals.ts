import type { Exchange, Queue } from '../protocol/entity.ts'
import type { Message } from '../protocol/message.ts'
import type { State } from '../protocol/states.ts'
import type { TaskMessage } from '../protocol/task-message.ts'
import type { Settings } from './config.ts'
import type { TaskRequest } from './context.ts'
import { Signal } from './signal.ts'
import type { Task } from './task.ts'

/** A message on its way out. */
interface Publication {
  /** `[args, kwargs, embed]`. */
  readonly body: readonly [readonly unknown[], Readonly<Record<string, unknown>>, object]
  readonly exchange: Exchange
  readonly routingKey: string
  /** A handler may change them: that is how traces travel. */
  readonly headers: Record<string, unknown>
  readonly properties: { -readonly [Name in keyof Message['properties']]: Message['properties'][Name] }
  /** The queue that is made sure of before. */
  readonly declare: readonly Queue[]
}

/** One execution. */
interface Execution {
  readonly taskId: string
  readonly task: Task
  readonly args: readonly unknown[]
  readonly kwargs: Readonly<Record<string, unknown>>
}

/** A worker, as signals show it. */
interface WorkerSignal {
  readonly instance: { readonly hostname: string; readonly concurrency: number }
}

/**
 * Celery's signals, with its payloads; `sender` is the name of the task, or of the worker. They belong to an app:
 * two apps of one process do not hear each other.
 */
export class Signals {
  /** In the caller, before a message leaves. */
  readonly beforeTaskPublish = new Signal<Publication>('beforeTaskPublish')
  /** In the caller, when the broker has confirmed it. */
  readonly afterTaskPublish = new Signal<Publication>('afterTaskPublish')

  /** In the worker, when a message has come that it can run. */
  readonly taskReceived = new Signal<{ readonly request: TaskMessage }>('taskReceived')
  /** Where the task runs, before it. */
  readonly taskPrerun = new Signal<Execution>('taskPrerun')
  /** After it, however it ended. */
  readonly taskPostrun = new Signal<Execution & { readonly retval: unknown; readonly state: State }>('taskPostrun')
  readonly taskSuccess = new Signal<{ readonly result: unknown; readonly request: TaskRequest }>('taskSuccess')
  readonly taskRetry = new Signal<{
    readonly request: TaskRequest
    readonly reason: unknown
    readonly traceback: string | null
  }>('taskRetry')
  readonly taskFailure = new Signal<
    Omit<Execution, 'task'> & { readonly exception: unknown; readonly traceback: string | null }
  >('taskFailure')
  /** Nobody wanted it any more, or its time had passed. */
  readonly taskRevoked = new Signal<{
    readonly request: TaskMessage
    readonly terminated: boolean
    readonly signum: number | null
    readonly expired: boolean
  }>('taskRevoked')
  /** A message that the worker could not handle, by no fault of its task. */
  readonly taskInternalError = new Signal<{
    readonly message: Message
    readonly taskId: string | undefined
    readonly exception: unknown
  }>('taskInternalError')
  /** A message for a task that this worker does not have. */
  readonly taskUnknown = new Signal<{
    readonly message: Message
    readonly exc: Error
    readonly name: string
    readonly id: string
  }>('taskUnknown')
  /** A message that could not be read, or carried on. */
  readonly taskRejected = new Signal<{ readonly message: Message; readonly exc: Error }>('taskRejected')

  /** Before a worker starts; its name is the sender. */
  readonly celerydInit = new Signal<WorkerSignal & { readonly conf: Settings }>('celerydInit')
  readonly workerInit = new Signal<WorkerSignal>('workerInit')
  /** It is connected, and takes nothing yet. */
  readonly celerydAfterSetup = new Signal<WorkerSignal & { readonly conf: Settings }>('celerydAfterSetup')
  /** Where tasks will run, before the first: in the worker itself or in each child of its pool. The app's name is the sender. */
  readonly workerProcessInit = new Signal<object>('workerProcessInit')
  /** In a child that leaves. */
  readonly workerProcessShutdown = new Signal<{ readonly pid: number }>('workerProcessShutdown')
  readonly workerReady = new Signal<WorkerSignal>('workerReady')
  /** It takes nothing more, and finishes what runs. */
  readonly workerShuttingDown = new Signal<WorkerSignal & { readonly how: 'Warm' | 'Cold' }>('workerShuttingDown')
  readonly workerShutdown = new Signal<WorkerSignal>('workerShutdown')
  readonly heartbeatSent = new Signal<object>('heartbeatSent')

  /** Before a beat sends anything; the app's name is the sender. */
  readonly beatInit = new Signal<{ readonly instance: object }>('beatInit')
  /** The same in a beat that runs inside a worker. */
  readonly beatEmbeddedInit = new Signal<{ readonly instance: object }>('beatEmbeddedInit')

  /** Before the modules of the tasks are imported; the app's name is the sender. */
  readonly importModules = new Signal<object>('importModules')
}
