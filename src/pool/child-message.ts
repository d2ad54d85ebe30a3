import type { TaskRequest } from '../app/context.ts'
import type { ErrorCode } from '../errors.ts'
import type { LogRecord } from '../log.ts'
import type { Outcome } from '../trace/outcome.ts'
import type { AbortReason } from './pool.ts'

/** What a pool tells a child. Everything on this page crosses by structured clone, so that values keep their types. */
export type ToChild =
  /** The first message: the app's file, as `loadApp` takes it, and whether someone looks at `memoryKib`. */
  | { readonly do: 'load'; readonly appPath: string; readonly tellsMemory: boolean }
  | { readonly do: 'run'; readonly request: TaskRequest }
  /** Concerns the task that runs. */
  | { readonly do: 'abort'; readonly reason: AbortReason }
  | { readonly do: 'leave' }

/** What a child tells its pool. */
export type FromChild =
  | { readonly is: 'ready' }
  | { readonly is: 'unable'; readonly code: ErrorCode; readonly message: string; readonly next: string }
  /** The task ended; `memoryKib` is what the child holds now, if it shall tell. */
  | { readonly is: 'done'; readonly outcome: Outcome; readonly memoryKib: number }
  | { readonly is: 'event'; readonly type: string; readonly fields: Record<string, unknown> | undefined }
  | { readonly is: 'log'; readonly record: LogRecord }
