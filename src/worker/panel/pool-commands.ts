import { type Commands, numberOr, type PanelTarget } from './target.ts'

/** The pool in which tasks run. */
export const poolCommands: Commands = {
  pool_grow: {
    kind: 'control',
    help: 'let more tasks run at one time',
    args: [['n', 'int']],
    signature: '[N=1]',
    run: (worker, { n }) => resize(worker, 'grow', numberOr(n, 1)),
  },
  pool_shrink: {
    kind: 'control',
    help: 'let fewer tasks run at one time',
    args: [['n', 'int']],
    signature: '[N=1]',
    run: (worker, { n }) => resize(worker, 'shrink', -numberOr(n, 1)),
  },
  pool_restart: {
    kind: 'control',
    help: 'replace the children of the pool',
    run({ app, pool }) {
      if (!app.conf.workerPoolRestarts) throw new RangeError('Pool restarts not enabled')
      pool.restart()
      return { ok: 'reload started' }
    },
  },
  autoscale: {
    kind: 'control',
    help: 'change how far the pool grows and shrinks',
    args: [
      ['max', 'int'],
      ['min', 'int'],
    ],
    signature: '[max [min]]',
    run({ autoscaler }, given) {
      if (!autoscaler) throw new RangeError('Autoscale not enabled')
      const { range } = autoscaler
      const { max, min } = autoscaler.update({
        max: numberOr(given.max, range.max),
        min: numberOr(given.min, range.min),
      })
      return { ok: `autoscale now max=${max} min=${min}` }
    },
  },
}

function resize({ pool, autoscaler, resize }: PanelTarget, how: 'grow' | 'shrink', by: number): object {
  if (autoscaler) return { error: `pool_${how} is not supported with autoscale. Adjust autoscale range instead.` }
  if (!Number.isInteger(by)) return { error: `a pool changes by whole numbers, not by ${by}` }
  if (pool.concurrency + by < 1) return { error: `a pool of ${pool.concurrency} cannot shrink by ${-by}` }
  resize(pool.concurrency + by)
  return { ok: `pool will ${how}` }
}
