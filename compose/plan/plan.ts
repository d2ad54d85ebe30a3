import type { BuildSpec } from '../engine/build.ts'
import type { Service } from '../file/model.ts'

/**
 * One thing to do. `id` names it within the plan; `after` names what must be done before, as far as the plan has it;
 * `cause` says why, in the words of the printed plan. `name` is always what people know the thing by.
 */
export type Operation = {
  readonly id: string
  readonly name: string
  readonly after: readonly string[]
  readonly cause: string
} & (
  | { readonly do: 'create network' | 'create volume'; readonly key: string }
  | { readonly do: 'remove network'; readonly network: string }
  | {
      readonly do: 'pull'
      readonly platform: string | undefined
      readonly services: readonly Service[]
      /** When it cannot be pulled: what is there stays, or the image is built. */
      readonly otherwise: 'fail' | 'keep' | 'build'
      readonly build: BuildSpec | undefined
    }
  | { readonly do: 'build'; readonly services: readonly Service[]; readonly build: BuildSpec }
  | { readonly do: 'remove volume' | 'remove image' }
  | { readonly do: 'create'; readonly service: Service; readonly number: number }
  /** A new container under the old one's name: made first, so that a mistake leaves the old one running. */
  | { readonly do: 'recreate'; readonly service: Service; readonly number: number; readonly old: string }
  | { readonly do: 'rename'; readonly service: string; readonly container: string; readonly to: string }
  /** Without a container: the one made under this name. */
  | {
      readonly do: 'start' | 'restart'
      readonly service: Service
      readonly number: number
      readonly container: string | undefined
    }
  | { readonly do: 'stop' | 'remove'; readonly service: string; readonly container: string }
  /** Changes nothing: others wait for it. */
  | {
      readonly do: 'await'
      readonly service: Service
      readonly container: string | undefined
      readonly until: 'ready' | 'completed'
      /** Whether this very plan starts the container. */
      readonly fresh: boolean
    }
)

/** What is to be done, in an order in which it could be done one by one. */
export interface Plan {
  readonly operations: readonly Operation[]
  /** What the reader should know besides, a sentence each. */
  readonly warnings: readonly string[]
}

/** One line per change: `recreate shop-worker-1 (environment.FOO changed)`. */
export function planLines(plan: Plan): readonly string[] {
  return plan.operations
    .filter((operation) => operation.do !== 'await')
    .map((operation) => {
      const to = operation.do === 'rename' ? ` to ${operation.to}` : ''
      return `${operation.do} ${operation.name}${to} (${operation.cause})`
    })
}
