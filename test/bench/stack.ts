import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { binPath } from '../../cli/installation.ts'
import { cli } from '../support/cli.ts'
import { run } from '../support/process.ts'
import { provision } from '../support/provision/index.ts'
import type { Endpoints, PartName } from '../support/provision/part.ts'

/**
 * How long a stack takes to come and go, beside Docker's own Compose on the same file and engine, images present:
 * both in turn, medians and ratios. `node test/bench/stack.ts [rounds]`; needs Docker, and the images of the tests.
 */

const [rounds = 3] = process.argv.slice(2).map(Number)

interface Contender {
  readonly name: string
  readonly command: readonly string[]
}

interface Scene {
  readonly directory: string
  /** The words that bring it up. */
  readonly up: readonly string[]
}

/** A part of a stack's life that is timed. */
interface Stretch {
  readonly title: string
  readonly scene: Scene
  readonly what: 'up' | 'up again' | 'down'
  /** As a multiple of what Compose takes. */
  readonly atMost: number
}

const { inventory, stop } = await provision(['docker', 'images', 'compose'], (line) => console.error(line))
const env = { DOCKER_HOST: endpoint('docker').host, ...endpoint('images') }
const contenders: readonly Contender[] = [
  { name: 'compose', command: [endpoint('compose').current] },
  { name: 'ours', command: [process.execPath, binPath] },
]
/** The first process of a container is deaf to every signal that it has no handler for. */
const deafServices = `
  broker: { image: $PYTHON_CELERY_IMAGE, entrypoint: ["tail", "-f", "/dev/null"] }
  worker: { image: $PYTHON_CELERY_IMAGE, entrypoint: ["tail", "-f", "/dev/null"], depends_on: [broker], scale: 3 }
`
const lightServices = `
  worker: { image: $PYTHON_CELERY_IMAGE, entrypoint: ["sh", "-c", "trap 'exit 0' TERM; while :; do sleep 0.1; done"] }
`
const scratch = realpathSync(mkdtempSync(join(tmpdir(), 'celery-sandbox-bench-')))

try {
  const standard = { directory: await made('bench-shop'), up: ['up', '-d'] }
  const deaf = stack('deaf', deafServices, ['up', '-d'])
  const many = stack('many', lightServices, ['up', '-d', '--scale', 'worker=20'])
  const stretches: readonly Stretch[] = [
    { title: 'cold up', scene: standard, what: 'up', atMost: 0.9 },
    { title: 'no-op up', scene: standard, what: 'up again', atMost: 0.6 },
    { title: 'down', scene: standard, what: 'down', atMost: 1 },
    { title: 'down, deaf to SIGTERM', scene: deaf, what: 'down', atMost: 0.25 },
    { title: '20 workers up', scene: many, what: 'up', atMost: 1 },
    { title: '20 workers down', scene: many, what: 'down', atMost: 1 },
  ]
  for (const stretch of stretches) await compare(stretch)
} finally {
  rmSync(scratch, { recursive: true, force: true })
  await stop()
}

function endpoint<Name extends PartName>(name: Name): Endpoints[Name] {
  const part = inventory[name]
  if (!part || part.state === 'missing') throw new Error(`this needs ${name}: ${part?.reason}`)
  return part.endpoint as Endpoints[Name]
}

async function compare({ title, scene, what, atMost }: Stretch): Promise<void> {
  const first = what === 'up' ? ['down'] : scene.up
  const words = what === 'down' ? ['down'] : scene.up
  const times: Record<string, number[]> = { compose: [], ours: [] }
  try {
    // Round 0 warms everything up, and does not count.
    for (let round = 0; round <= rounds; round++) {
      for (const contender of contenders) {
        await timed(contender, first, scene)
        const elapsed = await timed(contender, words, scene)
        if (round > 0) times[contender.name]?.push(elapsed)
      }
    }
  } finally {
    for (const contender of contenders) await timed(contender, ['down', '--volumes'], scene)
  }
  const [theirs, ours] = [median(times.compose), median(times.ours)]
  const verdict = ours / theirs <= atMost ? 'as wanted' : 'TOO SLOW'
  const figures = `${(ours / theirs).toFixed(2)} × Compose (at most ${atMost} ×, ${verdict})`
  console.log(`${title.padEnd(22)} ${figures}, ${seconds(ours)} beside ${seconds(theirs)}`)
}

/** A project as `init` makes it. */
async function made(name: string): Promise<string> {
  const { code, stderr } = await cli(['init', name, '--yes'], { cwd: scratch, env })
  if (code !== 0) throw new Error(stderr)
  return join(scratch, name)
}

function stack(name: string, services: string, up: readonly string[]): Scene {
  const directory = mkdtempSync(join(scratch, `bench-${name}-`))
  writeFileSync(join(directory, 'compose.yaml'), `name: bench-${name}-${process.pid}\nservices:\n${services}`)
  return { directory, up }
}

async function timed({ name, command: [program = '', ...given] }: Contender, words: readonly string[], scene: Scene) {
  const startedAt = performance.now()
  const outcome = await run(program, [...given, ...words], { cwd: scene.directory, env, timeoutMs: 300_000 })
  if (outcome.code !== 0) throw new Error(`${name} ${words.join(' ')}: ${outcome.stderr}${outcome.stdout}`)
  return performance.now() - startedAt
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(2)} s`
}

function median(values: readonly number[] = []): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN
}
