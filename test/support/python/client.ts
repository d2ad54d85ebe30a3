import { parts } from '../parts.ts'
import { start } from '../process.ts'
import { type PythonApp, pythonApp } from './app.ts'

/** What Python raised while it ran a snippet. */
export class PythonError extends Error {
  readonly traceback: string

  constructor({ type, message, traceback }: { type: string; message: string; traceback: string }) {
    super(message)
    this.name = type
    this.traceback = traceback
  }
}

/** A Python interpreter with the app, its tasks and Celery's canvas at hand; names it defines stay. */
export interface PythonClient extends AsyncDisposable {
  /**
   * Runs Python and gives the value of the last expression, as JSON knows it (`repr` of what it does not know).
   *
   * @throws {PythonError} what Python raised.
   */
  eval<Value = unknown>(source: string): Promise<Value>
  stop(): Promise<void>
}

/**
 * A Python producer and client of the tasks in tasks.py.
 *
 * @example
 * await using python = await pythonClient({ broker: redis.url, backend: redis.url })
 * expect(await python.eval('add.delay(4, 4).get(timeout=10)')).toBe(8)
 */
export async function pythonClient(app: PythonApp): Promise<PythonClient> {
  const program = start(parts().python.path, ['client.py'], pythonApp(app))
  const lines = program.lines()
  let previous: Promise<unknown> = Promise.resolve()

  async function ask<Value>(source: string): Promise<Value> {
    program.write(`${JSON.stringify({ source })}\n`)
    const { value: line } = await lines.next()
    if (line === undefined) throw new Error(`Python ended:\n${program.stderr}`)
    const answer: { value: Value; error?: ConstructorParameters<typeof PythonError>[0] } = JSON.parse(line)
    if (answer.error) throw new PythonError(answer.error)
    return answer.value
  }

  const stop = async () => {
    program.end()
    await program.stop()
  }
  const client: PythonClient = {
    eval<Value>(source: string) {
      const answer = previous.then(() => ask<Value>(source))
      previous = answer.catch(() => {})
      return answer
    },
    stop,
    [Symbol.asyncDispose]: stop,
  }
  await client.eval('app.main')
  return client
}
