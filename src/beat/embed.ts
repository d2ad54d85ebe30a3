import type { Celery } from '../app/app.ts'
import { Beat, type BeatOptions } from './beat.ts'

/**
 * A beat that lives inside the app's worker, from when it is ready until it shuts down: Celery's `worker -B`.
 *
 * @throws {CeleryError} IMPROPERLY_CONFIGURED for a scheduler that is not known
 */
export function embedBeat(app: Celery, options: BeatOptions = {}): void {
  const beat = new Beat(app, options)
  const { beatEmbeddedInit, workerReady, workerShuttingDown } = app.signals
  workerReady.connect(async () => {
    await beatEmbeddedInit.send(app.main, { instance: beat }, options.log ?? app.log)
    await beat.start()
  })
  workerShuttingDown.connect(() => beat.stop())
}
