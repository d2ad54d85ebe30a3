import {
  type AsyncResult,
  type Celery,
  chain,
  chord,
  chunks,
  graphOf,
  group,
  map,
  shortName,
  starmap,
  type Task,
} from '../../src/index.ts'

const canvas = { chain, chord, chunks, graphOf, group, map, starmap }

/** The words that a session knows beyond JavaScript's own: the app, each task by name, and what acts on them. */
export function wordsOf(app: Celery): Record<string, unknown> {
  const tasks = [...app.tasks]
  return {
    ...canvas,
    ...modules(tasks),
    ...byShortName(tasks),
    app,
    tasks: Object.fromEntries(tasks.map((task) => [task.taskName, task])),
    signature: app.signature.bind(app),
    sendTask: app.sendTask.bind(app),
    result: (id: string): AsyncResult => app.asyncResult(id),
    ping: () => app.control.ping(),
  }
}

/** `add` for `arithmetics.add`, unless another module has an `add` too. */
function byShortName(tasks: readonly Task[]): Record<string, Task> {
  const groups = Map.groupBy(tasks, (task) => shortName(task.taskName))
  const unique = [...groups].filter(([name, group]) => group.length === 1 && isWord(name))
  return Object.fromEntries(unique.flatMap(([name, [task]]) => (task ? [[name, task]] : [])))
}

/** `arithmetics.add` as it stands: a module with its tasks. */
function modules(tasks: readonly Task[]): Record<string, Record<string, Task>> {
  const found: Record<string, Record<string, Task>> = {}
  for (const task of tasks) {
    const [module = '', name, ...deeper] = task.taskName.split('.')
    if (name && deeper.length === 0 && isWord(module)) found[module] = { ...found[module], [name]: task }
  }
  return found
}

/** A name that JavaScript has no meaning for: `x.delete` is a task, `delete` is no word. */
function isWord(name: string): boolean {
  if (!/^[a-z_$][\w$]*$/i.test(name)) return false
  try {
    new Function(`'use strict'; async (${name}) => {}`)
    return true
  } catch {
    return false
  }
}
