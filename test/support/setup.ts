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
  // Workers and the programs that tests run inherit these, and compose files read them.
  if (inventory.images && inventory.images.state !== 'missing') Object.assign(process.env, inventory.images.endpoint)
  return stop
}
