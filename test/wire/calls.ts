import { chain, chord, chunks, group, map, signature, starmap } from '../../src/canvas/signature.ts'
import { Celery } from '../../src/celery.ts'
import { ManualClock } from '../../src/clock.ts'

/** The time at which every call below is made, so that "in two minutes" is the same text each time. */
const now = Date.parse('2026-11-20T09:26:07.750Z')

const add = (...args: readonly unknown[]) => signature('tasks.add', args)
const mul = (...args: readonly unknown[]) => signature('tasks.mul', args)
const xsum = () => signature('tasks.xsum')

/** The calls behind the recordings, made with this library. Names are those of the recordings. */
export const calls: Record<string, (app: Celery) => PromiseLike<unknown>> = {
  delay: (app) => app.sendTask('tasks.add', { args: [2, 3] }),
  kwargs_unicode: (app) => app.sendTask('tasks.add', { kwargs: { x: 'smörgås', y: '🥬' } }),
  countdown_expires: (app) => app.sendTask('tasks.add', { args: [1, 2], countdown: 60, expires: 120 }),
  eta: (app) => app.sendTask('tasks.add', { args: [1, 2], eta: new Date('2030-01-01T00:00:00Z') }),
  priority_5: (app) => app.sendTask('tasks.add', { args: [1, 2], priority: 5 }),
  queue_calc: (app) => app.sendTask('tasks.add', { args: [1, 2], queue: 'calc' }),
  routing_shadow_timelimits: (app) =>
    app.sendTask('tasks.add', { args: [1, 2], shadow: 'pretty.name', timeLimit: 10, softTimeLimit: 5 }),
  link_and_link_error: (app) =>
    app.sendTask('tasks.add', {
      args: [1, 2],
      link: signature('tasks.mul', [4]),
      linkError: signature('tasks.handle_error'),
    }),
  ignore_result: (app) => app.sendTask('tasks.add', { args: [1, 2], ignoreResult: true }),
  serializer_yaml: (app) => app.sendTask('tasks.add', { args: [1, 2], serializer: 'yaml' }),
  serializer_msgpack: (app) => app.sendTask('tasks.add', { args: [1, 2], serializer: 'msgpack' }),
  compression_gzip: (app) => app.sendTask('tasks.add', { args: [1, 2], compression: 'gzip' }),
  headers_custom: (app) => app.sendTask('tasks.add', { args: [1, 2], headers: { tenant: 'acme' } }),
  stamped: (app) => app.sendTask('tasks.add', { args: [1, 2], stamps: { monitor: 'm1' } }),
  chain: (app) => app.send(chain(add(2, 2), add(5), mul(8))),
  group: (app) => app.send(group([0, 1, 2].map((n) => add(n, n)))),
  chord: (app) => app.send(chord([add(1, 2), mul(3, 4)], xsum())),
  chain_of_group: (app) => app.send(chain(add(1, 1), group(add(2), add(3)), xsum())),
  map: (app) =>
    app.send(
      map(xsum(), [
        [1, 2],
        [3, 4],
      ]),
    ),
  starmap: (app) =>
    app.send(
      starmap(add(), [
        [1, 2],
        [3, 4],
      ]),
    ),
  chunks: (app) =>
    app.send(
      chunks(
        add(),
        [0, 1, 2, 3].map((n) => [n, n]),
        2,
      ),
    ),
}

/** Chords need results; of what they are kept in nothing is in a message. */
export function appAt(brokerUrl: string): Celery {
  return new Celery('wire', { brokerUrl, resultBackend: 'memory://wire' }, { clock: new ManualClock(now) })
}
