import { randomUUID } from 'node:crypto'
import { parts } from '../parts.ts'
import { type Program, start } from '../process.ts'
import { type PythonApp, pythonApp } from './app.ts'

/**
 * Starts a Python Celery worker that serves the tasks of tasks.py, and resolves when it says that it is ready.
 * It is a `Program`: `output` is its log, `until('…')` waits for a line in it, `stop()` is a warm shutdown.
 *
 * @example
 * await using worker = await startPythonWorker({ broker: redis.url, backend: redis.url })
 */
export async function startPythonWorker({
  queues,
  name = `python-${randomUUID().slice(0, 8)}@localhost`,
  // What starts fastest; name others for pools, events, gossip.
  args = ['--pool=solo', '--without-gossip', '--without-mingle'],
  ...app
}: PythonApp & { queues?: string[]; name?: string; args?: string[] }): Promise<Program> {
  const options = [
    '--loglevel=INFO',
    `--hostname=${name}`,
    ...(queues ? [`--queues=${queues.join(',')}`] : []),
    ...args,
  ]
  const worker = start(parts().python.path, ['-m', 'celery', '--app=tasks', 'worker', ...options], pythonApp(app))
  try {
    await worker.until(/ ready\./)
  } catch (error) {
    worker.kill()
    throw error
  }
  return worker
}
