import { mkdtempSync, realpathSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { ContainerState } from '../../../compose/engine/engine.ts'
import { refuseElsewhere, refuseMissingExternals, refuseMissingImages } from '../../../compose/plan/preconditions.ts'
import { reconcile } from '../../../compose/plan/reconcile.ts'
import { modelOf } from '../model-of.ts'

const madeFrom = (directory: string) =>
  ({ labels: { 'com.docker.compose.project.working_dir': directory } }) as unknown as ContainerState

describe('before a project goes up', () => {
  it('it must not be another project of the same name', () => {
    const project = { name: 'shop', directory: '/here/shop', files: [] }
    expect(() => refuseElsewhere(project, [madeFrom('/here/shop')])).not.toThrow()
    expect(() => refuseElsewhere(project, [madeFrom('/there/shop')])).toThrow(
      'the project "shop" is already running from /there/shop',
    )
  })

  it('it may be reached by another path', () => {
    const directory = realpathSync(mkdtempSync(join(tmpdir(), 'place-')))
    const link = `${directory}-link`
    symlinkSync(directory, link)
    const project = { name: 'shop', directory: link, files: [] }
    expect(() => refuseElsewhere(project, [madeFrom(directory)])).not.toThrow()
    rmSync(link)
    rmSync(directory, { recursive: true })
  })

  it('its images must be there, or may be had', () => {
    const model = modelOf('services: { a: { image: x, pull_policy: never }, b: { build: . } }')
    const nothing = { containers: [], networks: [], volumes: [], images: {} }
    const refuse = (images: Record<string, { id: string }>, build: 'missing' | 'never') => () => {
      const observed = { ...nothing, images }
      refuseMissingImages(reconcile(model, observed, { images: { build } }), model, observed)
    }
    expect(refuse({}, 'missing')).toThrow('the image x of a is not there, and may not be pulled')
    expect(refuse({ x: { id: '1' } }, 'missing')).not.toThrow()
    expect(refuse({ x: { id: '1' } }, 'never')).toThrow('the image shop-b of b is not there, and may not be built')
  })

  it('what it borrows must be there', () => {
    const model = modelOf(
      'services: { app: { image: x, networks: [shared] } }\nnetworks: { shared: { external: true } }',
    )
    const there = { containers: [], volumes: [], images: {} }
    expect(() => refuseMissingExternals(model, { ...there, networks: [] })).toThrow(
      expect.objectContaining({
        message: 'the external network shared does not exist',
        next: 'Create it: docker network create shared',
      }),
    )
    const networks = [{ id: 'n', name: 'shared', labels: {} }]
    expect(() => refuseMissingExternals(model, { ...there, networks })).not.toThrow()
  })
})
