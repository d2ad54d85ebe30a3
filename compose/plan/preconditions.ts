import { existsSync, realpathSync } from 'node:fs'
import type { ContainerState } from '../engine/engine.ts'
import { StackError } from '../errors.ts'
import { imageName, type Model, type Project } from '../file/model.ts'
import { directoriesOf, type Observed } from './observe.ts'
import type { Plan } from './plan.ts'

/**
 * Two checkouts with the same directory name are the same project to Docker, but not to their owner.
 *
 * @throws {StackError} PROJECT_ELSEWHERE
 */
export function refuseElsewhere({ name, directory }: Project, containers: readonly ContainerState[]): void {
  const other = directoriesOf(containers).find((candidate) => !isSamePlace(candidate, directory))
  if (other === undefined) return
  throw new StackError('PROJECT_ELSEWHERE', `the project "${name}" is already running from ${other}`)
}

function isSamePlace(a: string, b: string): boolean {
  return a === b || (existsSync(a) && existsSync(b) && realpathSync(a) === realpathSync(b))
}

/** A container needs its image: when nothing may pull or build it, nothing is begun. @throws {StackError} IMAGE_MISSING */
export function refuseMissingImages({ operations }: Plan, model: Model, { images }: Observed): void {
  const provided = new Set(
    operations.flatMap((operation) => (operation.do === 'pull' || operation.do === 'build' ? operation.services : [])),
  )
  for (const operation of operations) {
    if (operation.do !== 'create' && operation.do !== 'recreate') continue
    const { service } = operation
    const image = imageName(model.name, service)
    if (Object.hasOwn(images, image) || provided.has(service)) continue
    const way = service.config.build ? 'built' : 'pulled'
    throw new StackError('IMAGE_MISSING', `the image ${image} of ${service.name} is not there, and may not be ${way}`)
  }
}

/** What others own must be there before we begin. @throws {StackError} START_FAILED */
export function refuseMissingExternals(model: Model, { networks, volumes }: Observed): void {
  const missing = (kind: string, wanted: Model['networks'] | Model['volumes'], there: readonly { name: string }[]) => {
    const lost = Object.values(wanted).find(({ external, name }) => external && !there.some((one) => one.name === name))
    if (!lost) return
    const next = `Create it: docker ${kind} create ${lost.name}`
    throw new StackError('START_FAILED', `the external ${kind} ${lost.name} does not exist`, { next })
  }
  missing('network', model.networks, networks)
  missing('volume', model.volumes, volumes)
}
