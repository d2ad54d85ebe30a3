import { type Celery, loadApp } from '../src/index.ts'
import type { Context } from './context.ts'
import { adoptStackEnvironment, type StackChoice } from './project.ts'

/** Which app, and the stack whose addresses it takes. */
export interface AppChoice extends StackChoice {
  readonly app: string | undefined
}

/**
 * What somebody does with the project's app, which sees the stack as its workers do and is closed after.
 *
 * @param use also gets the file that exports the app
 */
export async function* withApp<E>(
  context: Context,
  choice: AppChoice,
  use: (app: Celery, path: string) => AsyncIterable<E>,
): AsyncIterable<E> {
  await adoptStackEnvironment(context, choice)
  const { app, path } = await loadApp(choice.app, context.cwd)
  try {
    yield* use(app, path)
  } finally {
    await app.close()
  }
}
