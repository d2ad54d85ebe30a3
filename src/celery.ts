import { Celery as App, type AppOptions } from './app/app.ts'
import type { GivenSettings } from './app/config.ts'
import type { TaskMessage } from './protocol/task-message.ts'
import type { EagerResult } from './result/eager-result.ts'
import { addBuiltins } from './trace/builtins.ts'
import { runEagerly } from './trace/eager.ts'

/**
 * An application: its tasks, its settings, and its connections, which open when first needed. It stands where it can
 * see `trace`: what the app itself, further down, cannot do is to run a call in place.
 *
 * @example
 * const app = new Celery('shop', { brokerUrl: 'redis://127.0.0.1:6379/0', resultBackend: 'redis://127.0.0.1:6379/1' })
 * const add = app.task('arithmetics.add', (x: number, y: number) => x + y)
 * await add.delay(4, 4).get()   // 8
 */
export class Celery extends App {
  constructor(main: string, settings: GivenSettings = {}, options: AppOptions = {}) {
    super(main, settings, options)
    addBuiltins(this)
  }

  override runHere<R>(message: TaskMessage): Promise<EagerResult<R>> {
    return runEagerly(this, message)
  }
}
