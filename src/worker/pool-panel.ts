import type { ControlHandler } from '../control/mailbox.ts'
import type { Pool } from '../pool/pool.ts'
import type { Autoscaler } from './autoscale.ts'

/** What remote control needs of a worker to change its pool. */
export interface PoolPanelTarget {
  readonly pool: Pool
  readonly autoscaler: Autoscaler | undefined
  readonly allowsRestarts: boolean
  /** Resizes the pool, and what is reserved ahead with it. */
  resize(concurrency: number): void
}

/** Celery's commands that change the pool. */
export function poolPanel(worker: PoolPanelTarget): Record<string, ControlHandler> {
  return {
    pool_grow: ({ n }) => resize(worker, 'grow', count(n, 1)),
    pool_shrink: ({ n }) => resize(worker, 'shrink', -count(n, 1)),
    pool_restart: () => {
      if (!worker.allowsRestarts) throw new Error("ValueError('Pool restarts not enabled')")
      worker.pool.restart()
      return { ok: 'reload started' }
    },
    autoscale: (given) => {
      if (!worker.autoscaler) throw new Error("ValueError('Autoscale not enabled')")
      const { range } = worker.autoscaler
      const { max, min } = worker.autoscaler.update({
        max: count(given.max, range.max),
        min: count(given.min, range.min),
      })
      return { ok: `autoscale now max=${max} min=${min}` }
    },
  }
}

function resize({ pool, autoscaler, resize }: PoolPanelTarget, how: 'grow' | 'shrink', by: number): object {
  if (autoscaler) return { error: `pool_${how} is not supported with autoscale. Adjust autoscale range instead.` }
  if (pool.concurrency + by < 1) return { error: `a pool of ${pool.concurrency} cannot shrink by ${-by}` }
  resize(pool.concurrency + by)
  return { ok: `pool will ${how}` }
}

const count = (given: unknown, otherwise: number) => (given === undefined || given === null ? otherwise : Number(given))
