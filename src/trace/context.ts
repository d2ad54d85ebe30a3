import type { TaskContext, TaskRequest } from '../app/context.ts'
import { Replaced, Retry } from '../app/exceptions.ts'
import type { Task } from '../app/task.ts'
import type { Backend, ChordStore } from '../backend/backend.ts'
import type { Canvas } from '../canvas/canvas.ts'
import { CeleryError } from '../errors.ts'
import { withFields } from '../log.ts'
import { taskLoggerName } from '../log-format.ts'
import type { Result } from '../result/result.ts'
import type { TraceEnvironment } from './environment.ts'
import { joining, replacing } from './replacement.ts'
import type { ResultWriter } from './result-writer.ts'

export interface OpenContext {
  /** What the task sees of its execution. */
  readonly self: TaskContext
  /** Settles when another has taken the task's place: with its value when that ran here, else by {@link Replaced}. */
  readonly replacement: () => Promise<unknown> | undefined
}

export function openContext(
  request: TaskRequest,
  signal: AbortSignal,
  { options }: Task,
  results: ResultWriter,
  { app, backend, log, sendEvent }: TraceEnvironment,
): OpenContext {
  let replacement: Promise<never> | undefined

  const replace = async (canvas: Canvas): Promise<never> => {
    await options.onReplace?.(self, canvas)
    // In place, links and errbacks stay with the task.
    if (request.isEager) return (await app.apply(canvas)).get() as Promise<never>
    await app.send(replacing(request, canvas))
    throw new Replaced()
  }

  const addToChord = async (given: Canvas): Promise<Result> => {
    const { group, canvas, ends } = joining(request, given)
    const chords = chordsOf(backend)
    await chords.extend(group, ends)
    try {
      return await app.send(canvas)
    } catch (error) {
      await chords.extend(group, -ends)
      throw error
    }
  }

  const self: TaskContext = {
    request,
    signal,
    log: withFields(log, { logger: taskLoggerName, taskId: request.id, taskName: request.task }),
    sendEvent: (type, fields) => sendEvent(type, { uuid: request.id, ...fields }),
    updateState: (state, meta) => results.write(state, { result: meta }),
    retry(options = {}) {
      throw new Retry(options)
    },
    replace(canvas) {
      replacement = replace(canvas)
      replacement.catch(() => {}) // seen by who runs the task, also if the task does not wait for it
      return replacement
    },
    addToChord,
  }
  return { self, replacement: () => replacement }
}

function chordsOf({ chords, url }: Backend): ChordStore {
  if (chords) return chords
  throw new CeleryError('UNSUPPORTED', `${url} counts no ends of chords, so none can be added`, {
    next: 'Keep results in redis://….',
  })
}
