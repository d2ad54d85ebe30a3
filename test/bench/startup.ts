import { spawnSync } from 'node:child_process'
import { binPath } from '../../cli/installation.ts'

/**
 * How long the command line takes to answer, as a multiple of what Node itself needs to start. Both run in turn, so
 * that a busy machine slows both.
 */

const rounds = 15

const commands: readonly [name: string, args: readonly string[], atMost: number][] = [
  ['--version', [binPath, '--version'], 2.5],
  ['--help', [binPath, '--help'], 4],
  ['repl --help', [binPath, 'repl', '--help'], 6],
]

const bare = ['-e', '0']

for (const [name, args, atMost] of commands) {
  const ratios: number[] = []
  const times: number[] = []
  for (let round = 0; round < rounds; round++) {
    const node = timed(bare)
    const ours = timed(args)
    times.push(ours)
    ratios.push(ours / node)
  }
  const verdict = median(ratios) <= atMost ? 'as wanted' : 'TOO SLOW'
  const figures = `${median(ratios).toFixed(2)} × node -e 0 (at most ${atMost} ×, ${verdict}), ${median(times).toFixed(0)} ms`
  console.log(`${name.padEnd(12)} ${figures}`)
}

function timed(args: readonly string[]): number {
  const startedAt = performance.now()
  spawnSync(process.execPath, args, { stdio: 'ignore' })
  return performance.now() - startedAt
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN
}
