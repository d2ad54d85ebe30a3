import { CeleryError } from '../errors.ts'
import type { Task } from './task.ts'

/** Tasks by name. Celery's own (`celery.…`) are found, and stay out of the lists that people read. */
export class Registry implements Iterable<Task> {
  readonly #tasks = new Map<string, Task>()

  /** Two tasks of one name would hide each other: the second is refused. */
  add(task: Task): void {
    if (this.#tasks.has(task.taskName)) {
      const next = 'Give one of them another name.'
      throw new CeleryError('IMPROPERLY_CONFIGURED', `there are two tasks named '${task.taskName}'`, { next })
    }
    this.#tasks.set(task.taskName, task)
  }

  get(name: string): Task | undefined {
    return this.#tasks.get(name)
  }

  /** Sorted. */
  names({ builtins = false } = {}): string[] {
    return builtins
      ? [...this.#tasks.keys()].sort()
      : this.#listed()
          .map((task) => task.taskName)
          .sort()
  }

  [Symbol.iterator](): Iterator<Task> {
    return this.#listed().values()
  }

  #listed(): Task[] {
    return [...this.#tasks.values()].filter((task) => !task.taskName.startsWith('celery.'))
  }
}
