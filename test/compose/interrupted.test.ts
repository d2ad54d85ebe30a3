import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Engine } from '../../compose/engine/engine.ts'
import type { StackEvent } from '../../compose/events.ts'
import { down } from '../../compose/verbs/down.ts'
import { type UpOptions, up } from '../../compose/verbs/up.ts'
import { FakeEngine } from './fake-engine.ts'
import { modelOf } from './model-of.ts'

let directory = ''

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'interrupted-'))
})

afterEach(() => rmSync(directory, { recursive: true }))

/** Two images of everything, so that a change makes all containers anew. */
const file = (version: number) => `
services:
  redis: { image: "redis:${version}", ports: ["127.0.0.1::6379"], healthcheck: { test: t } }
  web: { image: "app:${version}", depends_on: { redis: { condition: service_healthy } }, healthcheck: { test: t } }
  worker: { image: "app:${version}", deploy: { replicas: 2 }, depends_on: [redis], healthcheck: { test: t } }`

class Project {
  readonly engine: Engine

  constructor(engine: Engine) {
    this.engine = engine
  }

  async up(version: number, options: UpOptions = {}): Promise<readonly string[]> {
    const model = { ...modelOf(file(version)), directory }
    return this.#doing((doing) =>
      up(
        this.#context(() => model),
        options,
        doing,
      ),
    )
  }

  async down(): Promise<void> {
    await this.#doing((doing) =>
      down(
        this.#context(() => modelOf(file(1))),
        {},
        doing,
      ),
    )
  }

  /** What was planned. */
  async #doing(verb: (doing: { emit: (event: StackEvent) => void; signal: AbortSignal }) => Promise<void>) {
    let operations: readonly string[] = []
    const emit = (event: StackEvent) => {
      if (event.type === 'plan') operations = event.operations
    }
    await verb({ emit, signal: new AbortController().signal })
    return operations
  }

  #context(model: () => ReturnType<typeof modelOf>) {
    const project = { name: 'shop', directory, files: [], model }
    return { project, engine: this.engine, reason: '', env: {}, probes: {}, strictPorts: false }
  }
}

const whole = (version: number) => [
  `shop-redis-1 redis:${version} running`,
  `shop-web-1 app:${version} running`,
  // As Compose does, a new one gets a number after the highest there is.
  `shop-worker-n app:${version} running`,
  `shop-worker-n app:${version} running`,
]

async function picture(engine: FakeEngine): Promise<string[]> {
  return (await engine.containers())
    .map(({ name, image, state }) => `${name.replace(/worker-\d+$/, 'worker-n')} ${image} ${state}`)
    .sort()
}

/** What is interrupted, from nothing or from a whole stack of version 1. */
const scenes: readonly { title: string; before: boolean; act: (project: Project) => Promise<unknown> }[] = [
  { title: 'a first up', before: false, act: (project) => project.up(2) },
  { title: 'an up that makes everything anew', before: true, act: (project) => project.up(2) },
  { title: 'scaling up', before: true, act: (project) => project.up(1, { scale: { worker: 4 } }) },
  { title: 'scaling down', before: true, act: (project) => project.up(1, { scale: { worker: 1 } }) },
  { title: 'down', before: true, act: (project) => project.down() },
]

/** Whether the engine still does what it was asked when our process ended. */
const moments = ['before the call arrives', 'after it was carried out'] as const

const killed = new Error('kill -9')

const changing: ReadonlySet<string | symbol> = new Set<keyof Engine>([
  ...(['create', 'start', 'stop', 'remove', 'rename', 'pull'] as const),
  ...(['createNetwork', 'removeNetwork', 'createVolume', 'removeVolume', 'publishedPorts'] as const),
])

/** The engine as a process sees it that is killed at its n-th call that changes something: it asks nothing more. */
function endingAt(call: number, moment: (typeof moments)[number], engine: FakeEngine): Engine {
  let left = call
  return new Proxy<FakeEngine>(engine, {
    get(target, key) {
      const member: unknown = Reflect.get(target, key, target)
      if (typeof member !== 'function') return member
      return (...given: unknown[]) => {
        if (left <= 0) throw killed
        const isLast = changing.has(key) && --left === 0
        if (isLast && moment === 'before the call arrives') throw killed
        const answer: unknown = Reflect.apply(member, target, given)
        return isLast ? Promise.resolve(answer).then(() => Promise.reject(killed)) : answer
      }
    },
  })
}

describe.each(scenes)('$title, killed', ({ before, act }) => {
  it.each(moments)('at any call, %s, is rolled forward by the next up', async (moment) => {
    let interruptions = 0
    for (let call = 1; ; call++) {
      const engine = new FakeEngine()
      engine.onStart = (name) => engine.become(name, 'healthy')
      if (before) await new Project(engine).up(1)
      const mortal = endingAt(call, moment, engine)
      const isDone = await act(new Project(mortal)).then(
        () => true,
        (thrown: unknown) => {
          if (thrown !== killed) throw thrown
        },
      )
      if (isDone) break
      interruptions++
      const again = new Project(engine)
      await again.up(2)
      expect([call, await picture(engine)]).toEqual([call, whole(2)])
      expect(await again.up(2)).toEqual([])
    }
    expect(interruptions).toBeGreaterThan(1)
  })
})
