import { isObject } from '../protocol/json.ts'
import { camelCase } from './config/case.ts'
import type { TaskOptions } from './task.ts'

/** What an annotation may say of a task: everything but what its function depends on. */
export type AnnotatedOptions = Omit<TaskOptions, 'bind' | 'params' | 'args' | 'result'>

/** By name; `*` is for all. */
export type AnnotationMap = Readonly<Record<string, AnnotatedOptions>>

/** Decides by the task; nothing (or null) leaves it as it is. */
export type AnnotationFunction = (task: string, options: TaskOptions) => AnnotatedOptions | null | undefined

export type TaskAnnotations = AnnotationMap | AnnotationFunction | readonly (AnnotationMap | AnnotationFunction)[]

/**
 * The options of a task with what the setting taskAnnotations says over them. In a list the first that knows the task
 * counts. As in Celery, `*` is laid over what stands under the task's own name.
 */
export function annotated(task: string, options: TaskOptions, annotations: TaskAnnotations | null): TaskOptions {
  const list = annotations === null ? [] : Array.isArray(annotations) ? annotations : [annotations]
  const own = first(list, (one) => (typeof one === 'function' ? one(task, options) : one[task]))
  const all = first(list, (one) => (typeof one === 'function' ? undefined : one['*']))
  return { ...options, ...named(own), ...named(all) }
}

type Annotation = AnnotationMap | AnnotationFunction

function first(list: readonly Annotation[], ask: (annotation: Annotation) => AnnotatedOptions | null | undefined) {
  for (const annotation of list) {
    const found = ask(annotation)
    if (isObject(found)) return found
  }
  return {}
}

const named = (options: AnnotatedOptions): AnnotatedOptions =>
  Object.fromEntries(Object.entries(options).map(([name, value]) => [camelCase(name), value]))
