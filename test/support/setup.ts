import type { TestProject } from 'vitest/node'
import { partNames, provision } from './provision/index.ts'
import type { Inventory, PartName } from './provision/part.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** The parts that a project's tests need, from vitest.config.ts. */
    needs: readonly PartName[]
    inventory: Inventory
  }
}

/** Runs once, before the first test: comes by the parts that the files about to run need. */
export default async function setup(root: TestProject): Promise<() => Promise<void>> {
  const files = root.vitest.state.getPaths().flatMap((path) => root.vitest.getModuleSpecifications(path))
  const needed = new Set(files.flatMap(({ project }) => project.getProvidedContext().needs ?? []))
  const { inventory, stop } = await provision(
    partNames.filter((name) => needed.has(name)),
    (line) => console.error(line),
  )
  root.provide('inventory', inventory)
  // Tests and the programs that they run inherit these, and compose files read them.
  const { docker, images } = inventory
  if (docker && docker.state !== 'missing') process.env.DOCKER_HOST = docker.endpoint.host
  if (images && images.state !== 'missing') Object.assign(process.env, images.endpoint)
  return stop
}
