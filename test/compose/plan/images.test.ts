import { describe, expect, it } from 'vitest'
import type { ImageState } from '../../../compose/engine/engine.ts'
import { type ImageRules, imageOperations, pullOperations } from '../../../compose/plan/images.ts'
import { planLines } from '../../../compose/plan/plan.ts'
import { modelOf } from '../model-of.ts'

const now = new Date('2026-11-21T12:00:00Z')

function situation(services: string, there: Record<string, Partial<ImageState>> = {}, rules: ImageRules = {}) {
  const model = modelOf(`services:\n${services}`)
  const images = Object.fromEntries(Object.entries(there).map(([name, state]) => [name, { id: name, ...state }]))
  return { model, images, rules, now }
}

function lines(...given: Parameters<typeof situation>): readonly string[] {
  const found = situation(...given)
  return planLines({ operations: imageOperations(Object.values(found.model.services), found), warnings: [] })
}

describe('where an image comes from', () => {
  it('is the registry when it is missing, once for all who use it', () => {
    expect(lines('  a: { image: x }\n  b: { image: x }')).toEqual(['pull x (not in the local store)'])
  })

  it('is its build when it has no other name', () => {
    expect(lines('  a: { build: . }')).toEqual(['build shop-a (not in the local store)'])
  })

  it('is the registry before its build when it has a name', () => {
    expect(lines('  a: { image: x, build: . }')).toEqual([
      'pull x (not in the local store; built if it cannot be pulled)',
    ])
  })

  it('is the build of another service with the same image', () => {
    expect(lines('  a: { image: x, build: ., pull_policy: build }\n  b: { image: x }')).toEqual([
      'build x (pull_policy: build)',
    ])
  })

  it('is one build for services that are built alike, under all their names', () => {
    expect(lines('  a: { build: . }\n  b: { build: . }\n  c: { build: { context: ., target: c } }')).toEqual([
      'build shop-a, shop-b (not in the local store)',
      'build shop-c (not in the local store)',
    ])
  })

  it('is nowhere when nothing is missing', () => {
    expect(lines('  a: { image: x }\n  b: { build: . }', { x: {}, 'shop-b': {} })).toEqual([])
  })

  it.each([
    ['always', { x: {} }, ['pull x (pull_policy: always)']],
    ['missing', { x: {} }, []],
    ['if_not_present', {}, ['pull x (not in the local store)']],
    ['never', {}, []],
    ['daily', { x: { tagged: '2026-11-21T00:00:00Z' } }, []],
    ['daily', { x: { tagged: '2026-11-20T11:00:00Z' } }, ['pull x (pull_policy: daily)']],
    ['weekly', { x: { tagged: '2026-11-15T12:00:00Z' } }, []],
    ['every_12h', { x: { tagged: '2026-11-20T23:59:00Z' } }, ['pull x (pull_policy: every_12h)']],
    ['every_2d', { x: { tagged: '2026-11-20T11:00:00Z' } }, []],
    // Nobody knows when it came.
    ['daily', { x: {} }, ['pull x (pull_policy: daily)']],
  ])('follows pull_policy: %s, with %j', (policy, there, expected) => {
    expect(lines(`  a: { image: x, pull_policy: ${policy} }`, there)).toEqual(expected)
  })

  it('is asked for on the command line, whatever the policy', () => {
    const file = '  a: { image: x, pull_policy: never }\n  b: { build: . }'
    const there = { x: {}, 'shop-b': {} }
    expect(lines(file, there, { pull: 'always' })).toEqual(['pull x (asked for)'])
    expect(lines(file, there, { build: 'always' })).toEqual(['build shop-b (asked for)'])
    expect(lines(file, there, { pull: 'build' })).toEqual(['build shop-b (asked for)'])
  })

  it('is never a build when that is forbidden', () => {
    expect(lines('  a: { image: x, build: . }\n  b: { build: . }', {}, { build: 'never' })).toEqual([
      'pull x (not in the local store)',
    ])
  })

  it('waits for the images that it is built from', () => {
    const { model, ...rest } = situation(
      '  base: { build: ./base }\n  app: { build: { context: ., additional_contexts: { base: "service:base" } } }',
    )
    const [base, app] = imageOperations(Object.values(model.services), { model, ...rest })
    expect(app?.after).toEqual([base?.id])
    expect(app?.do === 'build' && app.build.config.additional_contexts).toEqual({ base: 'docker-image://shop-base' })
  })

  it('is labelled as Compose does, so that it takes it away with the project', () => {
    const { model, ...rest } = situation('  a: { build: { context: ., args: { A: 1 } } }')
    const rules = { builds: { no_cache: true, args: { B: '2' } } }
    const [operation] = imageOperations(Object.values(model.services), { model, ...rest, rules })
    expect(operation).toMatchObject({
      build: {
        images: ['shop-a'],
        labels: { 'com.docker.compose.project': 'shop', 'com.docker.compose.service': 'a' },
        config: { no_cache: true, args: { A: '1', B: '2' } },
      },
    })
  })
})

describe('a pull that was asked for', () => {
  const pulled = (
    services: string,
    there: Record<string, Partial<ImageState>> = {},
    rules: ImageRules = {},
    choice: Parameters<typeof pullOperations>[2] = {},
  ) => {
    const found = situation(services, there, rules)
    return pullOperations(Object.values(found.model.services), found, choice).map(({ name }) => name)
  }

  it('fetches what is there as well, but nothing that is only built', () => {
    expect(pulled('  a: { image: x }\n  b: { image: x }\n  c: { build: . }', { x: {} })).toEqual(['x'])
  })

  it('leaves alone what must never be pulled, and what is there and need not be', () => {
    const file = `  a: { image: x, pull_policy: never }
  b: { image: "y:1", pull_policy: missing }
  c: { image: "z:latest", pull_policy: missing }
  d: { image: "r.local:5000/z", pull_policy: missing }`
    expect(pulled(file, { 'y:1': {}, 'z:latest': {}, 'r.local:5000/z': {} })).toEqual(['z:latest', 'r.local:5000/z'])
    expect(pulled(file, {}, { pull: 'always' })).toEqual(['x', 'y:1', 'z:latest', 'r.local:5000/z'])
  })

  it('passes over what can be built, if asked to', () => {
    expect(pulled('  a: { image: x, build: . }\n  b: { image: y }', {}, {}, { ignoreBuildable: true })).toEqual(['y'])
  })
})
