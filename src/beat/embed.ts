import type { Celery } from '../app/app.ts'
import { messageOf } from '../errors.ts'
import { Beat, type BeatOptions } from './beat.ts'

/**
 * A beat that lives inside the app's worker, from when it is ready until it shuts down: Celery's `worker -B`.
 *
 * @throws {CeleryError} IMPROPERLY_CONFIGURED for a scheduler that is not known
 */
export function embedBeat(app: Celery, options: BeatOptions = {}): void {
  const { log = app.log } = options
  const beat = new Beat(app, options)
  // The worker goes on without it.
  beat.stopped.catch((error) => log.critical(`beat: ${messageOf(error)}`, { error }))
  const { beatEmbeddedInit, workerReady, workerShuttingDown } = app.signals
  workerReady.connect(async () => {
    await beatEmbeddedInit.send(app.main, { instance: beat }, log)
    await beat.start()
  })
  workerShuttingDown.connect(() => beat.stop())
}
