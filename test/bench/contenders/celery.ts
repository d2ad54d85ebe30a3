import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { start } from '../../support/process.ts'
import type { OpenContender } from './contender.ts'

const tasks = `
import os, sys, time
from celery import Celery
app = Celery("bench", broker=os.environ["BROKER"], backend=os.environ["BACKEND"])
app.conf.update(broker_connection_retry_on_startup=True)

@app.task(name="bench.noop")
def noop():
    return 1

def publish(count):
    startedAt = time.perf_counter()
    for _ in range(count):
        noop.delay()
    return [(time.perf_counter() - startedAt) * 1000]

def wait(count):
    """Waits for results, which it can count only where each is a key: from the first to the last."""
    startedAt = None
    while True:
        found = app.backend.client.dbsize()
        if startedAt is None and found: startedAt = time.perf_counter()
        if found >= count: return [(time.perf_counter() - startedAt) * 1000]
        time.sleep(0.005)

def round_trips(count):
    times = []
    for _ in range(count):
        startedAt = time.perf_counter()
        noop.delay().get(timeout=10)
        times.append((time.perf_counter() - startedAt) * 1000)
    return times

if __name__ == "__main__":
    print(*globals()[sys.argv[1]](int(sys.argv[2])))
`

/** Celery of the machine's own Python, with two children, or two threads. Results go to \`backend\`, another database. */
export function celery(python: string, pool: 'prefork' | 'threads', backend: string): OpenContender {
  return async (url) => {
    const cwd = await mkdtemp(join(tmpdir(), 'celery-bench-'))
    await writeFile(join(cwd, 'bench.py'), tasks)
    const env = { BROKER: url, BACKEND: backend }
    const ask = async (what: string, count: number) => {
      const program = start(python, ['bench.py', what, String(count)], { cwd, env })
      await program.exited
      return program.stdout.trim().split(' ').map(Number)
    }
    const args = [
      '-m',
      'celery',
      '-A',
      'bench',
      'worker',
      '-c',
      '2',
      '-P',
      pool,
      '--without-gossip',
      '--without-mingle',
    ]
    let worker: ReturnType<typeof start> | undefined
    return {
      name: `Celery, ${pool} -c 2`,
      publish: async (count) => (await ask('publish', count))[0] ?? Number.NaN,
      async drain(count) {
        const waiting = ask('wait', count)
        worker = start(python, args, { cwd, env })
        return (await waiting)[0] ?? Number.NaN
      },
      roundTrips: (count) => ask('round_trips', count),
      async close() {
        await worker?.stop({ timeoutMs: 20_000 })
        await rm(cwd, { recursive: true, force: true })
      },
    }
  }
}
